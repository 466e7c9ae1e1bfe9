/**
 * How fast faces are found among many, beside what people would use instead: `npm run bench:match -- --rows 100000,1000000`.
 * The same rows and probes for all, one round of each after the other, medians with least and most. Every answer is held
 * against the exact one: a speed without what it finds says nothing. Prints a table for each size.
 *
 * `--growth 20000,50000,...` fills one gallery and measures it at each size; `--storm 1000000` searches while others are enrolled and
 * forgotten; `--probes 100000 --people 10000` decides so often as comparing with everybody would, or not. `--write` puts what
 * comes of each into docs/matching.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cosine } from '../../../dist/libs/matcher/src/index.js';
import { agreement } from './agreement.mjs';
import { chartOf } from './chart.mjs';
import { galleryOf, hnswlibExact, plain, sqliteVec, topOf, usearchExact, usearchGraphs } from './contestants.mjs';
import { figure, shareOf } from './figures.mjs';
import { growth } from './growth.mjs';
import { Identities } from './identities.mjs';
import { storm } from './storm.mjs';

const root = join(import.meta.dirname, '../../..');
const dim = 512;
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '' },
    rounds: { type: 'string', default: '15' },
    graph: { type: 'boolean', default: false },
    probes: { type: 'string', default: '0' },
    people: { type: 'string', default: '500' },
    growth: { type: 'string', default: '' },
    storm: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const numbersIn = (text) => text.split(',').filter(Boolean).map(Number);

/** The ten best of each probe, by comparing with every row. */
function truthOf({ rows, count }, probes) {
  return probes.map((probe) => {
    const scores = new Float64Array(count);
    for (let n = 0; n < count; n++) scores[n] = cosine(rows.subarray(n * dim, (n + 1) * dim), probe);
    return topOf(scores);
  });
}

function recallOf(found, truth) {
  const shares = found.map((ids, n) => ids.filter((id) => truth[n].includes(id)).length / truth[n].length);
  return {
    rank1: figure(found.filter((ids, n) => ids[0] === truth[n][0]).length / found.length),
    top10: figure(shares.reduce((sum, share) => sum + share, 0) / shares.length),
  };
}

/** Ours and the floor take three turns in a round, and the others, many times slower, one; the first round is not counted. */
async function compared(contestants, probes, truth) {
  const ours = contestants.filter(({ kind }) => kind !== 'peer' && kind !== 'graph');
  const others = contestants.filter((each) => !ours.includes(each));
  const turns = [...ours, ...ours, ...ours, ...others];
  const times = new Map(contestants.map(({ name }) => [name, []]));
  const found = new Map(contestants.map(({ name }) => [name, []]));
  for (const { find } of contestants) await find(probes[0]);
  for (let round = 0; round < rounds; round++) {
    const at = round % probes.length;
    for (const { name, find } of turns) {
      const startedMs = performance.now();
      const ids = await find(probes[at]);
      times.get(name).push(performance.now() - startedMs);
      if (ids) found.get(name)[at] = ids;
    }
  }
  return contestants.map(({ name, kind }) => {
    const all = times.get(name);
    const recall = found.get(name).length > 0 ? recallOf(found.get(name), truth) : undefined;
    return {
      name,
      kind,
      ms: figure(shareOf(all, 0.5)),
      leastMs: figure(shareOf(all, 0)),
      mostMs: figure(shareOf(all, 1)),
      recall,
    };
  });
}

/** What a change of the gallery takes. */
function changes({ gallery, put, forget }, people) {
  const all = { enrol: [], forget: [] };
  for (let n = 0; n < 200; n++) {
    const vector = people.subarray(n * dim, (n + 1) * dim);
    let startedMs = performance.now();
    put(`new-${n}`, vector);
    all.enrol.push(performance.now() - startedMs);
    startedMs = performance.now();
    forget(`new-${n}`);
    all.forget.push(performance.now() - startedMs);
  }
  const told = (times) => ({ ms: figure(shareOf(times, 0.5)), mostMs: figure(shareOf(times, 1)) });
  return { enrol: told(all.enrol), forget: told(all.forget), bytesPerRow: figure(gallery.memoryBytes / gallery.size) };
}

function show({ rows, results, changed, builtMs }) {
  const floor = results[0].ms;
  console.log(
    `\n${rows.toLocaleString('en')} rows of ${dim}, ${rounds} rounds; gallery built in ${Math.round(builtMs)} ms`,
  );
  console.table(
    Object.fromEntries(
      results.map(({ name, ms, leastMs, mostMs, recall }) => [
        name,
        {
          ms,
          least: leastMs,
          most: mostMs,
          'x floor': figure(ms / floor),
          'rank 1': recall?.rank1,
          'top 10': recall?.top10,
        },
      ]),
    ),
  );
  console.log(JSON.stringify({ rows, ...changed }));
}

async function run(count) {
  const identities = new Identities(dim, 1);
  const rows = identities.people(count);
  const data = { rows, dim, count };
  const probes = Array.from({ length: Math.min(rounds, 10) }, (_, n) => {
    const who = Math.floor(((n + 0.5) * count) / 10);
    return identities.probeOf(rows.subarray(who * dim, (who + 1) * dim));
  });
  const truth = truthOf(data, probes);
  const ours = await galleryOf(data);
  const peers = [plain, (all) => usearchExact(all, false), (all) => usearchExact(all, true), hnswlibExact, sqliteVec];
  const graph = values.graph ? usearchGraphs(data, [64, 256, 1_024]) : [];
  const contestants = [...ours.contestants, ...peers.map((build) => build(data)).filter(Boolean), ...graph];
  const results = await compared(contestants, probes, truth);
  const changed = changes(ours, identities.people(200));
  for (const { close } of contestants) close();
  await ours.close();
  return { rows: count, results, changed, builtMs: ours.builtMs };
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version, commit };
/** Says what came of something, and with --write keeps it. */
function keep(name, result) {
  console.log(JSON.stringify(result));
  if (!values.write) return;
  mkdirSync(join(root, 'docs/matching'), { recursive: true });
  writeFileSync(join(root, `docs/matching/${name}.json`), `${JSON.stringify({ machine, ...result }, undefined, 2)}\n`);
}

console.log(JSON.stringify(machine));
for (const probes of numbersIn(values.probes).filter((count) => count > 0)) {
  keep('agreement', await agreement(new Identities(dim, 2), { probes, people: Number(values.people) }));
}
const isAlone = !values.growth && !values.storm && values.probes === '0';
for (const count of numbersIn(values.rows || (isAlone ? '100000' : ''))) {
  const result = await run(count);
  show(result);
  keep(String(count), result);
  if (values.write) writeFileSync(join(root, `docs/matching/${count}.svg`), chartOf(result));
}
if (values.growth) keep('growth', await growth(numbersIn(values.growth)));
for (const count of numbersIn(values.storm)) keep('storm', await storm(count));
