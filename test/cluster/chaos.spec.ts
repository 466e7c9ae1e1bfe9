import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chaos } from './chaos-run.js';
import { lineOf } from './chaos-text.js';
import { faults } from './faults.js';

const seed = Number(process.env.CHAOS_SEED ?? 1);
/** One of each kind; `npm run chaos` is the whole. */
const chosen = [
  'api-killed',
  'workers-killed',
  'mongo-killed',
  'kafka-wiped',
  'redis-killed-and-flushed',
  'kms-killed',
  'kms-throttled',
  'mongo-hung',
  'kafka-cut',
  'redis-slow',
];

describe('a cluster in which things break', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-chaos-'));
  let chaos: Chaos;
  beforeAll(async () => {
    const load = { tenants: 2, lanes: 4, faultMs: [2_000, 4_000] } as const;
    chaos = await Chaos.start({ seed, folder, apis: 2, workers: 2, ...load });
  }, 300_000);
  afterAll(async () => {
    await chaos?.end();
    rmSync(folder, { recursive: true });
  }, 120_000);

  it.each(chosen)(
    'keeps every promise: %s',
    async (name) => {
      const fault = faults.find((each) => each.name === name);
      if (!fault) throw new Error(`there is no fault ${name}`);
      const round = await chaos.round(fault);
      expect({ findings: round.findings, said: lineOf(round) }).toMatchObject({ findings: [] });
      expect(round.answers.count).toBeGreaterThan(0);
    },
    200_000,
  );
});
