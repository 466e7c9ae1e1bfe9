/**
 * What finds the ten rows most like a probe: ours, and what people would use instead. Each is built over the same rows,
 * and answers their numbers, the best first. `close` lets its memory go.
 */
import { createSecretKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import wabtOf from 'wabt';
import { cosine, Gallery, Rotation, Scanner, search } from '../../../dist/libs/matcher/src/index.js';

const require = createRequire(import.meta.url);
const best = 10;
const threshold = 0.3;
const memoryMax = 3_000_000_000;

/** A gallery of ours, which several contestants share, with the floor under it. */
export async function galleryOf({ rows, dim, count }) {
  const scanners = [new Scanner(1), new Scanner(2)];
  const gallery = Gallery.of({ dim, rowsMax: count + 1, lanes: scanners[1].lanes });
  const rotation = Rotation.of(createSecretKey(Buffer.alloc(32, 1)), { purpose: 'bench', version: 1, dim });
  const startedMs = performance.now();
  for (let n = 0; n < count; n++) gallery.put(String(n), rotation.rotate(rows.subarray(n * dim, (n + 1) * dim)));
  const builtMs = performance.now() - startedMs;
  const rescored = (probe) => async (ids) =>
    ids.map((id) => cosine(rows.subarray(Number(id) * dim, (Number(id) + 1) * dim), probe));
  const wabt = await wabtOf();
  const text = readFileSync(join(import.meta.dirname, 'load.wat'), 'utf8');
  const module = new WebAssembly.Module(wabt.parseWat('load', text, { simd: true, threads: true }).toBinary({}).buffer);
  const { load } = new WebAssembly.Instance(module, { gallery: { memory: gallery.memory } }).exports;
  const { blocksFrom, blockBytes, strideBytes } = gallery.layout;
  const named = (name, find, kind) => ({ name, kind, find, close: () => undefined });
  const exactly = (scanner) => async (probe) => {
    const asked = { floor: -1, count: best };
    return (await search(scanner, gallery, rotation.rotate(probe), asked, rescored(probe))).map(({ id }) => Number(id));
  };
  const identified = (scanner) => async (probe) => {
    await search(scanner, gallery, rotation.rotate(probe), { floor: threshold, count: best }, rescored(probe));
  };
  const scan = (scanner) => async (probe) => {
    await scanner.scan(gallery, rotation.rotate(probe), { floor: threshold, count: 0 });
  };
  const four = async (probe) => {
    await Promise.all([0, 1, 2, 3].map(() => scan(scanners[0])(probe)));
  };
  return {
    gallery,
    builtMs,
    contestants: [
      named(
        'load only, 1 thread',
        async () => {
          for (let block = 0; block < gallery.blockCount; block++)
            load(blocksFrom + block * blockBytes, 4_096 * strideBytes);
        },
        'floor',
      ),
      named('Lethe scan, 1 thread', scan(scanners[0]), 'scan'),
      named('Lethe scan, 2 threads', scan(scanners[1]), 'scan'),
      named('Lethe scan of 4 probes, 1 thread', four, 'scan'),
      named('Lethe exact from 0.3, 1 thread', identified(scanners[0]), 'exact'),
      named('Lethe exact from 0.3, 2 threads', identified(scanners[1]), 'exact'),
      named('Lethe exact top 10, 1 thread', exactly(scanners[0]), 'exact'),
      named('Lethe exact top 10, 2 threads', exactly(scanners[1]), 'exact'),
    ],
    async forget(id) {
      gallery.forget(String(id));
    },
    put: (id, vector) => gallery.put(String(id), rotation.rotate(vector)),
    close: () => Promise.all(scanners.map((scanner) => scanner.close())),
  };
}

/** The loop that anybody would write. */
export const plain = ({ rows, dim, count }) => ({
  name: 'plain JavaScript, f32',
  kind: 'peer',
  find: async (probe) => {
    const scores = new Float32Array(count);
    for (let n = 0, at = 0; n < count; n++) {
      let dot = 0;
      for (let x = 0; x < dim; x++) dot += rows[at++] * probe[x];
      scores[n] = dot;
    }
    return topOf(scores);
  },
  close: () => undefined,
});

/** The numbers of the ten best scores. */
export function topOf(scores) {
  const top = [];
  for (let n = 0; n < scores.length; n++) {
    if (top.length === best && scores[n] <= scores[top[best - 1]]) continue;
    top.push(n);
    top.sort((a, b) => scores[b] - scores[a]);
    top.length = Math.min(top.length, best);
  }
  return top;
}

/** usearch, exact: f32 as it is, or i8 of the whole range. It wants whole buffers. */
export function usearchExact({ rows, dim, count }, isI8) {
  const { exactSearch, MetricKind } = require('usearch');
  const narrow = (vectors) => (isI8 ? Int8Array.from(vectors, (x) => Math.round(x * 127 * 4)) : vectors);
  const all = isI8 ? narrowed(rows) : rows;
  return {
    name: `usearch exact ${isI8 ? 'i8' : 'f32'}`,
    kind: 'peer',
    find: async (probe) => {
      const { keys } = exactSearch(all, narrow(probe.slice()), dim, best, isI8 ? MetricKind.Cos : MetricKind.IP, 1);
      return [...keys.subarray(0, best)].map(Number);
    },
    close: () => undefined,
    bytes: count * dim * (isI8 ? 1 : 4),
  };
}

function narrowed(rows) {
  const all = new Int8Array(rows.length);
  for (let at = 0; at < rows.length; at++) all[at] = Math.max(-127, Math.min(127, Math.round(rows[at] * 127 * 4)));
  return all;
}

/** usearch's graph over i8, searched in several widths. Building it takes long, so each width has a copy of the same one. */
export function usearchGraphs({ rows, dim, count }, widths) {
  const { Index, MetricKind, ScalarKind } = require('usearch');
  const empty = (width) =>
    new Index({
      dimensions: dim,
      metric: MetricKind.Cos,
      quantization: ScalarKind.I8,
      connectivity: 16,
      expansion_search: width,
    });
  const built = empty(widths[0]);
  const step = 10_000;
  for (let from = 0; from < count; from += step) {
    const to = Math.min(count, from + step);
    const keys = BigUint64Array.from({ length: to - from }, (_, n) => BigInt(from + n));
    built.add(keys, rows.slice(from * dim, to * dim), 2);
  }
  const folder = mkdtempSync(join(tmpdir(), 'graph-'));
  const file = join(folder, 'index');
  built.save(file);
  const graphs = widths.map((width) => {
    const index = empty(width);
    index.load(file);
    return {
      name: `usearch HNSW i8, width ${width}`,
      kind: 'graph',
      find: async (probe) => [...index.search(probe.slice(), best, 1).keys].map(Number),
      close: () => undefined,
    };
  });
  rmSync(folder, { recursive: true });
  return graphs;
}

/** hnswlib, every row compared. Compiled when it was installed: undefined where it could not be. */
export function hnswlibExact({ rows, dim, count }) {
  let hnswlib;
  try {
    hnswlib = require('hnswlib-node');
  } catch {
    return undefined;
  }
  const index = new hnswlib.BruteforceSearch('ip', dim);
  index.initIndex(count);
  for (let n = 0; n < count; n++) index.addPoint(Array.from(rows.subarray(n * dim, (n + 1) * dim)), n);
  return {
    name: 'hnswlib brute force',
    kind: 'peer',
    find: async (probe) => {
      const { distances, neighbors } = index.searchKnn(Array.from(probe), best);
      return neighbors
        .map((id, n) => [distances[n], id])
        .sort(([a], [b]) => a - b)
        .map(([, id]) => id);
    },
    close: () => undefined,
  };
}

/** sqlite-vec: a table in memory, read whole for every probe. */
export function sqliteVec({ rows, dim, count }) {
  if (count * dim * 4 > memoryMax) return undefined;
  const db = new DatabaseSync(':memory:', { allowExtension: true });
  require('sqlite-vec').load(db);
  db.exec(`CREATE VIRTUAL TABLE faces USING vec0(id INTEGER PRIMARY KEY, face float[${dim}] distance_metric=cosine)`);
  const insert = db.prepare('INSERT INTO faces (id, face) VALUES (?, ?)');
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset);
  db.exec('BEGIN');
  for (let n = 0; n < count; n++) insert.run(BigInt(n), bytes.subarray(n * dim * 4, (n + 1) * dim * 4));
  db.exec('COMMIT');
  const select = db.prepare('SELECT id FROM faces WHERE face MATCH ? ORDER BY distance LIMIT 10');
  return {
    name: 'sqlite-vec f32',
    kind: 'peer',
    find: async (probe) => select.all(new Uint8Array(probe.buffer)).map(({ id }) => Number(id)),
    close: () => db.close(),
  };
}
