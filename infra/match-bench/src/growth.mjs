import { createSecretKey } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Gallery, Rotation, Scanner } from '../../../dist/libs/matcher/src/index.js';
import { figure, shareOf } from './figures.mjs';
import { Identities } from './identities.mjs';

const dim = 512;
const step = 10_000;
const rounds = 41;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/** How straight a line through the points is: R², of least squares. */
function straightness(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(({ rows }) => rows), mean(({ ms }) => ms)];
  const spread = (a, b) => points.reduce((sum, point) => sum + a(point) * b(point), 0);
  const [across, up] = [(point) => point.rows - x, (point) => point.ms - y];
  return spread(across, up) ** 2 / (spread(across, across) * spread(up, up));
}

/**
 * What a gallery takes as it grows: milliseconds of the engine for a probe, at the threshold of an identification and for the
 * best of all, and memory, of the rows and of the process. One gallery is filled, and measured at each size.
 */
export async function growth(sizes) {
  const identities = new Identities(dim, 3);
  const scanner = new Scanner(1);
  const rowsMax = Math.max(...sizes);
  const beforeBytes = process.memoryUsage.rss();
  const gallery = Gallery.of({ dim, rowsMax, lanes: scanner.lanes });
  const rotation = Rotation.of(createSecretKey(Buffer.alloc(32, 3)), { purpose: 'bench', version: 1, dim });
  const some = identities.people(rounds);
  const probes = Array.from({ length: rounds }, (_, n) =>
    rotation.rotate(identities.probeOf(some.subarray(n * dim, (n + 1) * dim))),
  );
  // Twice, and the second time counts: V8 compiles the kernel well once it has seen it work.
  const timed = async (asked) => {
    const times = [];
    for (const probe of [...probes, ...probes]) {
      const startedMs = performance.now();
      await scanner.scan(gallery, probe, asked);
      times.push(performance.now() - startedMs);
    }
    return times.slice(rounds);
  };
  const points = [];
  for (const rows of sizes) {
    while (gallery.size < rows) {
      const from = gallery.size;
      const people = identities.people(Math.min(step, rows - from));
      for (let n = 0; n * dim < people.length; n++) {
        gallery.put(String(from + n), rotation.rotate(people.subarray(n * dim, (n + 1) * dim)));
      }
    }
    collectGarbage();
    const identified = await timed({ floor: 0.3, count: 10 });
    const ranked = await timed({ floor: -1, count: 10 });
    points.push({
      rows,
      ms: figure(shareOf(identified, 0.5)),
      leastMs: figure(shareOf(identified, 0)),
      bestTenMs: figure(shareOf(ranked, 0.5)),
      galleryBytes: gallery.memoryBytes,
      processBytes: process.memoryUsage.rss() - beforeBytes,
    });
    console.log(JSON.stringify(points.at(-1)));
  }
  await scanner.close();
  return { points, straightness: figure(straightness(points.filter(({ rows }) => rows >= 50_000))) };
}
