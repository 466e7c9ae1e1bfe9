import { setTimeout as pause } from 'node:timers/promises';
import type autocannon from 'autocannon';
import { thresholdCard } from '../support/policy.js';
import { inFolder } from './folder.js';
import type { Answered } from './raw-client.js';
import { rawLoad } from './raw-load.js';
import { BenchServer } from './server.js';
import { type Figures, spreadAs, type Trial } from './trial.js';
import { verifyRequests } from './verify-requests.js';
import { type Enrolled, Ward } from './ward.js';

const verifyRate = 1_000;
const identifyRate = 50;
const connections = 16;
/** Patients who are claimed, beside those who are searched. */
const claimedMax = 500;
const soughtMax = 200;
/** Lanes that enrol and erase, one template after the other. */
const stormLanes = 2;

const identifyRequests = (enrolled: readonly Enrolled[], purposeId: string, key: string): autocannon.Request[] =>
  enrolled.slice(0, soughtMax).map(({ probe }) => {
    const { id, version, dim } = thresholdCard.model;
    const embedding = { encoding: 'f32le-base64', dim, data: probe.toString('base64') };
    return {
      method: 'POST',
      path: '/v1/matches/identify',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ purposeId, model: { id, version }, embedding }),
    };
  });

/** How long a search takes while 1,000 a second are verified, what verifying is then, and what both are amidst changes. */
export const identifyTrial: Trial = {
  name: 'identify over HTTP, beside 1:1 verify',
  smoke: { seconds: 1, rounds: 1, count: 40 },
  real: { seconds: 10, rounds: 5, count: 100_000 },
  run: ({ seconds, rounds, count }) =>
    inFolder(async (folder) => {
      const env = { GALLERY_MEMORY_MB: String(Math.ceil(64 + (count * 600) / 1e6)) };
      const first = await BenchServer.ours(folder, env);
      const ward = await Ward.open(first.url, folder);
      const purposeId = await ward.search(count + 10_000);
      const claimed = await ward.admit(Math.min(claimedMax, count));
      const searched = await ward.admit(count, purposeId, claimedMax + 1);
      await first.end();

      const ours = await BenchServer.ours(folder, env);
      ward.moveTo(ours.url);
      try {
        const sought = identifyRequests(searched, purposeId, ward.keys.backend);
        const builtMs = await built(ours, sought[0] as autocannon.Request, count);
        const verifies = verifyRequests(claimed, ward.keys.backend);
        const verify = () => rawLoad({ url: ours.url, connections, seconds, requests: verifies, rate: verifyRate });
        const identify = () => rawLoad({ url: ours.url, connections, seconds, requests: sought, rate: identifyRate });
        const seen = { quiet: [], alone: [], verifyBeside: [], beside: [], stormy: [] } as Record<string, Answered[]>;
        for (let round = 0; round < rounds; round++) {
          seen.quiet?.push(await verify());
          seen.alone?.push(await identify());
          const [verified, identified] = await Promise.all([verify(), identify()]);
          seen.verifyBeside?.push(verified);
          seen.beside?.push(identified);
          seen.stormy?.push(await amidstChanges(ward, purposeId, identify));
        }
        const rows: [string, string][] = [
          ['verify alone', 'quiet'],
          ['identify alone', 'alone'],
          ['verify beside identify', 'verifyBeside'],
          ['identify beside verify', 'beside'],
          ['identify amidst enrolments and erasures', 'stormy'],
        ];
        return [
          { name: 'gallery built', templates: count, seconds: builtMs / 1_000, residentMb: ours.residentMb() },
          ...rows.map(([name, of]) => ({ name, templates: count, ...figuresOf(seen[of] ?? []) })),
        ];
      } finally {
        await ours.end();
      }
    }),
};

const figuresOf = (all: readonly Answered[]): Figures => ({
  ...spreadAs(
    'p50Ms',
    all.map(({ p50Ms }) => p50Ms),
  ),
  ...spreadAs(
    'p99Ms',
    all.map(({ p99Ms }) => p99Ms),
  ),
});

/** From the start of the process, whose gallery is begun before it listens, until a search of all is answered. */
async function built(
  { url, readyMs }: BenchServer,
  { method, path, headers, body }: autocannon.Request,
  count: number,
): Promise<number> {
  const beganMs = performance.now() - readyMs;
  for (;;) {
    const sent = { method, headers: headers as Record<string, string>, body: body as string };
    const answer = await fetch(url + path, sent as RequestInit);
    const told = await answer.text();
    if (answer.ok && JSON.parse(told).gallery.templates === count) return performance.now() - beganMs;
    if (answer.ok || !told.includes('identification.building')) throw new Error(told);
    await pause(50);
  }
}

/** Templates come and go as fast as a few callers can make them, for as long as `act` takes. */
async function amidstChanges<T>(ward: Ward, purposeId: string, act: () => Promise<T>): Promise<T> {
  let isOver = false;
  let seed = 10_000_000;
  const lane = async () => {
    while (!isOver) {
      const { templateId } = await ward.admitOne(seed++, purposeId);
      await ward.send('DELETE', `/v1/templates/${templateId}`, 'registrar');
    }
  };
  const lanes = Array.from({ length: stormLanes }, lane);
  const done = await act();
  isOver = true;
  await Promise.all(lanes);
  return done;
}
