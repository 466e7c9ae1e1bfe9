import { randomUUID } from 'node:crypto';
import type autocannon from 'autocannon';
import { inFolder } from './folder.js';
import { load } from './load.js';
import { BenchServer } from './server.js';
import { spreadAs, type Trial } from './trial.js';
import { Ward } from './ward.js';

const connections = 64;

/** Enrolment: key and sealed template durable, then the guarded fact, then the answer. Each request is another template. */
export const enrolTrial: Trial = {
  name: 'enrolment over HTTP',
  smoke: { seconds: 0, rounds: 1, count: 64 },
  real: { seconds: 0, rounds: 3, count: 4_000 },
  run: ({ rounds, count }) =>
    inFolder(async (folder) => {
      const ours = await BenchServer.ours(folder);
      try {
        const ward = await Ward.open(ours.url, folder);
        const perSecond: number[] = [];
        for (let round = 0; round < rounds; round++) {
          const requests = await requestsFor(ward, count);
          perSecond.push((await load({ url: ours.url, connections, amount: count, requests })).perSecond);
        }
        return [{ name: 'enrolment', connections, count, ...spreadAs('perSecond', perSecond) }];
      } finally {
        await ours.end();
      }
    }),
};

async function requestsFor(ward: Ward, count: number): Promise<autocannon.Request[]> {
  const subjects: string[] = [];
  for (let made = 0; made < count; made += connections) {
    const lanes = Math.min(connections, count - made);
    subjects.push(...(await Promise.all(Array.from({ length: lanes }, () => ward.consented()))));
  }
  return subjects.map((subjectId, seed) => ({
    method: 'PUT',
    path: `/v1/templates/${randomUUID()}`,
    headers: { authorization: `Bearer ${ward.keys.backend}`, 'content-type': 'application/json' },
    body: JSON.stringify(ward.templateBody(subjectId, seed + 1)),
  }));
}
