import type autocannon from 'autocannon';
import { inFolder } from './folder.js';
import { load } from './load.js';
import { BenchServer } from './server.js';
import { spreadAs, type Trial } from './trial.js';
import { verifyRequests } from './verify-requests.js';
import { Ward } from './ward.js';

const slowDiskMs = 5;

/** 1:1 verification on a disk whose every commit takes 5 ms longer; a plain read is answered beside it. */
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
