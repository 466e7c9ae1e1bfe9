import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Chaos, type Round } from './chaos-run.js';
import { lineOf, tableOf } from './chaos-text.js';
import { faults, faultsOf } from './faults.js';

// Runs compiled, from dist/test. `npm run chaos -- --seed 7 --minutes 10`; `--only mongo,wiped` picks faults by name.
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '15' },
    apis: { type: 'string', default: '3' },
    workers: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const minutes = Number(values.minutes);
const wanted = values.only.split(',');
const among = faults.filter(({ name }) => wanted.some((part) => name.includes(part)));
if (!Number.isInteger(seed) || !(minutes > 0) || among.length === 0) {
  console.error(
    'chaos: --seed is a whole number, --minutes are more than 0, and --only names faults, or parts of their names',
  );
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'lethe-chaos-'));
const counts = { apis: Number(values.apis), workers: Number(values.workers) };
console.log(`seed ${seed}, ${minutes} minutes, ${counts.apis} apis, ${counts.workers} workers, in ${folder}`);
const chaos = await Chaos.start({ seed, folder, ...counts, tenants: 3, lanes: 6, faultMs: [4_000, 8_000] });
const rounds: Round[] = [];
const untilMs = performance.now() + minutes * 60_000;
const stop = () => {
  void chaos.end().finally(() => process.exit(1));
};
process.once('SIGINT', stop).once('SIGTERM', stop);
try {
  for (const fault of faultsOf(seed, among)) {
    if (performance.now() > untilMs) break;
    const round = await chaos.round(fault);
    rounds.push(round);
    console.log(lineOf(round));
  }
} finally {
  await chaos.end();
}
console.log(tableOf(rounds));
const isWell = rounds.every(({ findings }) => findings.length === 0);
if (isWell && !values.keep) rmSync(folder, { recursive: true });
else console.log(`logs are kept in ${folder}`);
console.log(isWell ? `all promises were kept through ${rounds.length} faults` : 'promises were broken');
process.exit(isWell ? 0 : 1);
