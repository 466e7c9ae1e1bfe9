/**
 * Writes docs/guarantees.md from test/guarantees.mjs and from what the specs came to when they last ran: `npm run
 * guarantees`, after `npm test` and `npm run test:cluster`. With --check it only says whether the document fits them.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { besides, guarantees } from '../test/guarantees.mjs';
import { resultsOf, textOf } from './results.mjs';

const root = join(import.meta.dirname, '..');
const commands = { embedded: 'npm test', cluster: 'npm run test:cluster' };
export const families = Object.keys(commands);

/** The families that a spec runs over. */
export function familiesOf(spec) {
  if (spec.startsWith('test/embedded/')) return ['embedded'];
  if (/^(test\/cluster|libs\/adapters-cluster)\//.test(spec)) return ['cluster'];
  return families;
}

/** Every spec that the document names. */
export const specsNamed = () =>
  [...new Set([...Object.values(guarantees).flatMap(({ specs }) => specs), ...Object.keys(besides)])].sort();

/** Libs of neither family are run once, by `npm test`. */
const runOf = (spec, family) => (spec.startsWith('libs/') && !spec.startsWith('libs/adapters-') ? 'embedded' : family);
const countOf = (results, spec, family) => results[runOf(spec, family)]?.[spec] ?? { passed: 0, failed: 0 };

/** What is to be said of a promise over a family: it never holds by itself, only by specs that all passed. */
export function verdict({ specs, lacks = '', isToCome = false }, family, results) {
  if (isToCome) return `not yet: ${lacks}`;
  const counts = specs
    .filter((spec) => familiesOf(spec).includes(family))
    .map((spec) => countOf(results, spec, family));
  const isShown = counts.length > 0 && counts.every(({ passed, failed }) => passed > 0 && failed === 0);
  if (!isShown) return 'not shown';
  return lacks ? `in part: ${lacks}` : 'holds';
}

const figure = (spec, family, results) => {
  if (!familiesOf(spec).includes(family)) return '';
  const { passed, failed } = countOf(results, spec, family);
  return failed > 0 ? `${passed}, ${failed} fail` : `${passed}`;
};
const row = (cells) => `| ${cells.join(' | ')} |`;

/** The document. `results` are, by family and spec, how many tests passed and failed. */
export function guaranteesDocument(results) {
  const [first, second] = families;
  const promises = Object.entries(guarantees).map(([id, guarantee]) => {
    const cells = families.map((family) => verdict(guarantee, family, results));
    return row([id, guarantee.promise, ...cells, guarantee.note ?? '']);
  });
  const promisesOf = (spec) =>
    Object.entries(guarantees).flatMap(([id, { specs }]) => (specs.includes(spec) ? id : []));
  const shown = specsNamed().map((spec) => {
    const what = [promisesOf(spec).join(', '), besides[spec] ?? ''].filter(Boolean).join('; ');
    return row([`\`${spec}\``, what, figure(spec, first, results), figure(spec, second, results)]);
  });
  return `# Guarantees

Which promises hold, over which family of adapters, and the specs that show it. \`npm test\` runs those of the embedded family,
\`npm run test:cluster\` those of the cluster, over real servers. A promise *holds* over a family where every spec named for it
passed there. Generated from the last run of both: \`npm run guarantees\`.

| | promise | ${first} | ${second} | |
|---|---|---|---|---|
${promises.join('\n')}

Tests that passed, by spec. Libs of neither family are run once, and stand in both columns.

| spec | shows | ${first} | ${second} |
|---|---|---|---|
${shown.join('\n')}
`;
}

/** The results that a document was made from. */
export function resultsIn(document) {
  const results = Object.fromEntries(families.map((family) => [family, {}]));
  for (const [, spec, ...counts] of document.matchAll(/^\| `([^`]+\.spec\.ts)` \|[^|]*\|([^|]*)\|([^|]*)\|$/gm)) {
    for (const [n, family] of families.entries()) {
      const [, passed, failed = 0] = /^ (\d+)(?:, (\d+) fail)? $/.exec(counts[n]) ?? [];
      if (passed !== undefined) results[family][spec] = { passed: Number(passed), failed: Number(failed) };
    }
  }
  return results;
}

/** Specs that are named but whose last run, if there was one, was of another text. */
const unrun = (results) =>
  specsNamed().flatMap((spec) =>
    [...new Set(familiesOf(spec).map((family) => runOf(spec, family)))]
      .filter((family) => !existsSync(join(root, spec)) || results[family][spec]?.text !== textOf(spec))
      .map((family) => `${spec} has not run as it is now: ${commands[family]}`),
  );

if (import.meta.filename === process.argv[1]) {
  const results = Object.fromEntries(families.map((family) => [family, resultsOf(family)]));
  const missing = unrun(results);
  const page = join(root, 'docs/guarantees.md');
  const wanted = guaranteesDocument(results);
  if (missing.length > 0) {
    console.error(missing.join('\n'));
    process.exitCode = 1;
  } else if (!process.argv.includes('--check')) writeFileSync(page, wanted);
  else if (readFileSync(page, 'utf8') !== wanted) {
    console.error('docs/guarantees.md is not what the specs came to: npm run guarantees');
    process.exitCode = 1;
  }
}
