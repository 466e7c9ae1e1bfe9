import type autocannon from 'autocannon';
import { inFolder } from './folder.js';
import { rawLoad } from './raw-load.js';
import { BenchServer } from './server.js';
import { type Effort, spreadAs, type Trial } from './trial.js';
import { verifyRequests } from './verify-requests.js';
import { Ward } from './ward.js';

const connections = 32;

interface Sides {
  readonly ours: BenchServer;
  readonly floor: BenchServer;
  readonly requests: readonly autocannon.Request[];
}

/** A server of ours with patients, a floor beside it, and what is asked of both. */
const beside = <T>(
  open: (folder: string) => Promise<BenchServer>,
  openFloor: () => Promise<BenchServer>,
  count: number,
  measure: (sides: Sides) => Promise<T>,
): Promise<T> =>
  inFolder(async (folder) => {
    const [ours, floor] = [await open(folder), await openFloor()];
    try {
      const ward = await Ward.open(ours.url, folder);
      const requests = verifyRequests(await ward.admit(count), ward.keys.backend);
      return await measure({ ours, floor, requests });
    } finally {
      await Promise.all([ours.end(), floor.end()]);
    }
  });

/** As many as either can, in turns: per second, what a request takes of the processors, and the ratio of each pair. */
async function inTurns(
  { ours, floor, requests }: Sides,
  { seconds, rounds }: Effort,
  names: readonly [string, string],
) {
  const sides = { ours, floor };
  const [perSecond, cpuUs] = [
    { ours: [] as number[], floor: [] as number[] },
    { ours: [] as number[], floor: [] as number[] },
  ];
  for (let round = 0; round < rounds; round++) {
    for (const side of ['floor', 'ours'] as const) {
      const { [side]: server } = sides;
      const beforeMs = server.cpuMs();
      const answered = await rawLoad({ url: server.url, connections, seconds, requests });
      perSecond[side].push(answered.perSecond);
      cpuUs[side].push(((server.cpuMs() - beforeMs) * 1_000) / answered.count);
    }
  }
  const ratios = perSecond.ours.map((each, n) => each / (perSecond.floor[n] ?? Number.NaN));
  const figures = (side: 'ours' | 'floor', name: string) => ({
    ...{ name, connections },
    ...spreadAs('perSecond', perSecond[side]),
    ...spreadAs('cpuUs', cpuUs[side]),
  });
  return [figures('floor', names[0]), { ...figures('ours', names[1]), ...spreadAs('ofFloor', ratios) }];
}

const ours = (folder: string) => BenchServer.ours(folder);
const unrecorded = (folder: string) => BenchServer.unrecorded(folder);

const smoke = { seconds: 1, rounds: 1, count: 20 };
const real = { seconds: 5, rounds: 5, count: 1_000 };

/** 1:1 verification as a hospital calls it, each decision durable before it is answered, beside a bare fastify route. */
export const verifyTrial: Trial = {
  ...{ name: '1:1 verify over HTTP', smoke, real },
  run: (effort) =>
    beside(
      ours,
      () => BenchServer.floor(),
      effort.count,
      (sides) => inTurns(sides, effort, ['bare fastify', '1:1 verify']),
    ),
};

/** What it costs besides storing, beside node:http that decrypts and compares and does nothing else. */
export const unrecordedTrial: Trial = {
  ...{ name: '1:1 verify over HTTP, not stored', smoke, real },
  run: (effort) =>
    beside(
      unrecorded,
      () => BenchServer.bareCompare(),
      effort.count,
      (sides) => inTurns(sides, effort, ['bare node:http, compares', '1:1 verify, not stored']),
    ),
};
