import { createSecretKey } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { cosine, Gallery, Rotation, Scanner, search } from '../../../dist/libs/matcher/src/index.js';
import { figure, shareOf } from './figures.mjs';
import { Identities } from './identities.mjs';

const dim = 512;
const newcomers = 1_000;
const changesPerMs = 2;
const searches = 200;

/**
 * Searches in a large gallery, one after the other: first with nothing else going on, then while others are enrolled and forgotten,
 * two of each in every millisecond. And for how long the thread that all of this starts from was not to be had.
 */
export async function storm(count) {
  const identities = new Identities(dim, 4);
  const scanner = new Scanner(1);
  const gallery = Gallery.of({ dim, rowsMax: count + newcomers, lanes: scanner.lanes });
  const rotation = Rotation.of(createSecretKey(Buffer.alloc(32, 4)), { purpose: 'bench', version: 1, dim });
  const people = identities.people(count);
  const others = identities.people(newcomers);
  const person = (n) => people.subarray(n * dim, (n + 1) * dim);
  const newcomer = (n) => others.subarray(n * dim, (n + 1) * dim);
  const vectorOf = (id) => (id.startsWith('new') ? newcomer(Number(id.slice(3))) : person(Number(id)));
  for (let n = 0; n < count; n++) gallery.put(String(n), rotation.rotate(person(n)));

  const times = { enrol: [], forget: [] };
  const timed = (name, change) => {
    const startedMs = performance.now();
    change();
    times[name].push(performance.now() - startedMs);
  };
  let turn = 0;
  const change = () => {
    for (let n = 0; n < changesPerMs; n++) {
      const at = turn++ % newcomers;
      timed('enrol', () => gallery.put(`new${at}`, rotation.rotate(newcomer(at))));
      timed('forget', () => gallery.forget(`new${(at + newcomers / 2) % newcomers}`));
    }
  };

  const searched = async () => {
    const [all, delay] = [[], monitorEventLoopDelay({ resolution: 1 })];
    delay.enable();
    for (let n = 0; n < searches; n++) {
      const probe = identities.probeOf(person((n * 7_919) % count));
      const startedMs = performance.now();
      await search(scanner, gallery, rotation.rotate(probe), { floor: 0.3, count: 10 }, async (ids) =>
        ids.map((id) => cosine(vectorOf(id), probe)),
      );
      all.push(performance.now() - startedMs);
    }
    delay.disable();
    const ms = (nanoseconds) => figure(nanoseconds / 1e6);
    return {
      medianMs: figure(shareOf(all, 0.5)),
      p99Ms: figure(shareOf(all, 0.99)),
      loop: { p99Ms: ms(delay.percentile(99)), p999Ms: ms(delay.percentile(99.9)), mostMs: ms(delay.max) },
    };
  };

  await searched();
  const quiet = await searched();
  const timer = setInterval(change, 1);
  const stormy = await searched();
  clearInterval(timer);
  await scanner.close();
  const told = (all) => ({
    ms: figure(shareOf(all, 0.5)),
    p99Ms: figure(shareOf(all, 0.99)),
    mostMs: figure(shareOf(all, 1)),
  });
  return {
    rows: count,
    searches,
    changes: turn * 2,
    quiet,
    stormy,
    enrol: told(times.enrol),
    forget: told(times.forget),
  };
}
