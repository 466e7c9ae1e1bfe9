import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'results');

/** A spec as it is now: what another text said is no result of this one. */
export const textOf = (spec) =>
  createHash('sha256')
    .update(readFileSync(join(root, spec)))
    .digest('hex');

/** What the last runs of a family's specs came to, by spec; empty where none ran. */
export function resultsOf(family) {
  try {
    return JSON.parse(readFileSync(join(folder, `${family}.json`), 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return {};
  }
}

/** Keeps in `results` what each spec of a run came to, for `npm run guarantees`. A reporter of jest. */
export default class Results {
  constructor(_config, { family }) {
    this.family = family;
  }

  onTestResult(_test, { testFilePath, numPassingTests, numFailingTests, numPendingTests, testExecError }) {
    // Some were left out by their name: that says nothing of the spec.
    if (numPendingTests > 0) return;
    const spec = relative(root, testFilePath);
    const failed = numFailingTests + (testExecError ? 1 : 0);
    const results = { ...resultsOf(this.family), [spec]: { passed: numPassingTests, failed, text: textOf(spec) } };
    const sorted = Object.fromEntries(Object.entries(results).sort(([a], [b]) => (a < b ? -1 : 1)));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${this.family}.json`), `${JSON.stringify(sorted, undefined, 2)}\n`);
  }
}
