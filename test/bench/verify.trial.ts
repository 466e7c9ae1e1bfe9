import type autocannon from 'autocannon';
import { inFolder } from './folder.js';
import { load } from './load.js';
import { BenchServer } from './server.js';
import { spreadAs, type Trial } from './trial.js';
import { verifyRequests } from './verify-requests.js';
import { Ward } from './ward.js';

const connections = 32;
const steadyRate = 500;
const slowDiskMs = 5;

/** 1:1 verification as a hospital calls it, each decision durable before it is answered, beside a bare fastify route. */
export const verifyTrial: Trial = {
  name: '1:1 verify over HTTP',
  smoke: { seconds: 1, rounds: 1, count: 20 },
  real: { seconds: 5, rounds: 5, count: 1_000 },
  run: ({ seconds, rounds, count }) =>
    inFolder(async (folder) => {
      const [ours, floor] = [await BenchServer.ours(folder), await BenchServer.floor()];
      try {
        const ward = await Ward.open(ours.url, folder);
        const requests = verifyRequests(await ward.admit(count), ward.keys.backend);
        const perSecond = { ours: [] as number[], floor: [] as number[] };
        for (let round = 0; round < rounds; round++) {
          perSecond.floor.push((await load({ url: floor.url, connections, seconds, requests })).perSecond);
          perSecond.ours.push((await load({ url: ours.url, connections, seconds, requests })).perSecond);
        }
        const ratios = perSecond.ours.map((each, n) => each / (perSecond.floor[n] ?? Number.NaN));
        const [calmest, steady] = [
          await load({ url: floor.url, connections, seconds, requests, rate: steadyRate }),
          await load({ url: ours.url, connections, seconds, requests, rate: steadyRate }),
        ];
        return [
          { name: 'bare fastify', connections, ...spreadAs('perSecond', perSecond.floor) },
          { name: '1:1 verify', connections, ...spreadAs('perSecond', perSecond.ours), ...spreadAs('ofFloor', ratios) },
          { name: 'bare fastify, steady', perSecond: steadyRate, p50Ms: calmest.p50Ms, p99Ms: calmest.p99Ms },
          { name: '1:1 verify, steady', perSecond: steadyRate, p50Ms: steady.p50Ms, p99Ms: steady.p99Ms },
        ];
      } finally {
        await Promise.all([ours.end(), floor.end()]);
      }
    }),
};

/** The same on a disk whose every commit takes 5 ms longer; a plain read is answered beside it. */
export const slowDiskTrial: Trial = {
  name: '1:1 verify on a slow disk',
  smoke: { seconds: 1, rounds: 1, count: 20 },
  real: { seconds: 5, rounds: 3, count: 500 },
  run: ({ seconds, rounds, count }) =>
    inFolder(async (folder) => {
      const ours = await BenchServer.ours(folder, { COMMIT_DELAY_MS: String(slowDiskMs) });
      try {
        const ward = await Ward.open(ours.url, folder);
        const enrolled = await ward.admit(count);
        const requests = verifyRequests(enrolled, ward.keys.backend);
        const read: autocannon.Request = {
          method: 'GET',
          path: `/v1/subjects/${enrolled[0]?.subjectId}`,
          headers: { authorization: `Bearer ${ward.keys.registrar}` },
        };
        const [verifies, reads]: [number[], number[]] = [[], []];
        for (let round = 0; round < rounds; round++) {
          const [verified, plain] = await Promise.all([
            load({ url: ours.url, connections: 64, seconds, requests }),
            load({ url: ours.url, connections: 1, seconds, requests: [read], rate: 100 }),
          ]);
          verifies.push(verified.perSecond);
          reads.push(plain.p99Ms);
        }
        return [
          { name: '1:1 verify, 5 ms disk', connections: 64, ...spreadAs('perSecond', verifies) },
          { name: 'plain read beside it', ...spreadAs('p99Ms', reads) },
        ];
      } finally {
        await ours.end();
      }
    }),
};
