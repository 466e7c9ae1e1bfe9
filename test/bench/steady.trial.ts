import { bareSync } from './bare-sync.js';
import { inFolder } from './folder.js';
import { quantile } from './quantile.js';
import type { Answered } from './raw-client.js';
import { rawLoad } from './raw-load.js';
import { BenchServer } from './server.js';
import { type Figures, spreadAs, type Trial } from './trial.js';
import { verifyRequests } from './verify-requests.js';
import { Ward } from './ward.js';

const connections = 32;
const rate = 1_000;
const syncs = 100;

async function patientsOf(server: BenchServer, folder: string, count: number) {
  const ward = await Ward.open(server.url, folder);
  return verifyRequests(await ward.admit(count), ward.keys.backend);
}

function figuresOf(name: string, answered: readonly Answered[], floor: readonly Answered[]): Figures {
  const each = (key: 'p50Ms' | 'p99Ms' | 'lateP99Ms') => answered.map(({ [key]: value }) => value);
  const ratios = answered.map(({ p99Ms }, n) => p99Ms / (floor[n]?.p99Ms ?? Number.NaN));
  const figures = { ...spreadAs('p50Ms', each('p50Ms')), ...spreadAs('p99Ms', each('p99Ms')) };
  return {
    name,
    perSecond: rate,
    ...figures,
    ...spreadAs('lateP99Ms', each('lateP99Ms')),
    ...spreadAs('p99OfNoOp', ratios),
  };
}

/**
 * The slowest in a hundred at an even pace, in turns: of a handler that does nothing, of ours, and of ours that stores
 * no decision; and of the disk alone, as nothing that is durable can be sooner.
 */
export const steadyTrial: Trial = {
  name: '1:1 verify over HTTP, steady',
  smoke: { seconds: 1, rounds: 1, count: 20 },
  real: { seconds: 5, rounds: 5, count: 1_000 },
  run: ({ seconds, rounds, count }) =>
    inFolder((folder) =>
      inFolder(async (other) => {
        const servers = [await BenchServer.noOp(), await BenchServer.ours(folder), await BenchServer.unrecorded(other)];
        const [noOp, ours, unrecorded] = servers as [BenchServer, BenchServer, BenchServer];
        try {
          const asked = await patientsOf(ours, folder, count);
          const sides = [
            { name: 'no-op, steady', server: noOp, requests: asked, answered: [] as Answered[] },
            { name: '1:1 verify, steady', server: ours, requests: asked, answered: [] as Answered[] },
            {
              ...{ name: '1:1 verify, not stored, steady', server: unrecorded },
              ...{ requests: await patientsOf(unrecorded, other, count), answered: [] as Answered[] },
            },
          ];
          const disk = { p50Ms: [] as number[], p99Ms: [] as number[] };
          for (let round = 0; round < rounds; round++) {
            for (const { server, requests, answered } of sides) {
              answered.push(await rawLoad({ url: server.url, connections, seconds, requests, rate }));
            }
            const tookMs = bareSync(folder, syncs);
            disk.p50Ms.push(quantile(tookMs, 0.5));
            disk.p99Ms.push(quantile(tookMs, 0.99));
          }
          const floor = sides[0]?.answered ?? [];
          return [
            { name: 'bare fdatasync of 4 KB', ...spreadAs('p50Ms', disk.p50Ms), ...spreadAs('p99Ms', disk.p99Ms) },
            ...sides.map(({ name, answered }) => figuresOf(name, answered, floor)),
          ];
        } finally {
          await Promise.all(servers.map((server) => server.end()));
        }
      }),
    ),
};
