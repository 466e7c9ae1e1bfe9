import { type ChildProcess, fork } from 'node:child_process';
import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Gallery, Rotation } from '#lib/matcher';
import { lengthOf } from '../support/canary.js';
import { normals } from '../support/chance.js';
import { asSources } from '../support/child.js';
import { hasReadableMemory, tracesIn } from '../support/memory.js';

const dim = 512;
const secret = Buffer.alloc(32, 7);
const rotation = { purpose: 'registration', version: 1, dim };

/** What of a vector is looked for: so many coordinates from each of these places, whichever end of a copy is left. */
const pieceLength = 16;
const pieceAt = [16, 200, 480];

/** A face, and one like it. */
function facesOf(seed: number): readonly [Float32Array, Float32Array] {
  const normal = normals(seed);
  const face = Float32Array.from({ length: dim }, normal);
  return [face, face.map((x) => x + 0.1 * normal())];
}

/** The forms in which an engine has a vector: as it was sent, of length 1, and rotated; in f32, f64 and int8. */
function formsOf(face: Float32Array): [form: string, pattern: Buffer][] {
  const rotated = Rotation.of(createSecretKey(secret), rotation).rotate(face);
  const length = lengthOf(face);
  const vectors = { sent: Float64Array.from(face), unit: Float64Array.from(face, (x) => x / length), rotated };
  return Object.entries(vectors).flatMap(([name, vector]) => {
    const largest = Math.max(...vector.map(Math.abs));
    return [
      ...pieces(`${name}, f32`, Float32Array.from(vector)),
      ...pieces(`${name}, f64`, vector),
      ...pieces(
        `${name}, int8`,
        Int8Array.from(vector, (x) => Math.round(x / Math.fround(largest / 127))),
      ),
    ];
  });
}

/** The upper halves of the row that a gallery makes of a face. */
function rowOf(face: Float32Array): [form: string, pattern: Buffer] {
  const gallery = Gallery.of({ dim, rowsMax: 1 });
  gallery.put('one', Rotation.of(createSecretKey(secret), rotation).rotate(face));
  const { memory, layout } = gallery;
  return ['row', Buffer.from(new Uint8Array(memory.buffer, layout.blocksFrom, dim / 2).slice())];
}

const pieces = (form: string, vector: Float32Array | Float64Array | Int8Array): [string, Buffer][] =>
  pieceAt.map((at) => {
    const piece = vector.subarray(at, at + pieceLength);
    return [form, Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)];
  });

const inMemory = hasReadableMemory ? 'in memory' : 'in memory, which cannot be looked at here: there is no /proc';
/** Where memory can be looked at, which it can on Linux. */
const seen = (forms: readonly string[]) => (process.platform === 'linux' ? forms : undefined);

/** Up to five blocks of 4,096 rows are scanned at once by who asks. */
const holder = join(import.meta.dirname, 'gallery-holder.ts');
const shapes = [
  ['in the thread that asks', 0],
  ['in threads of its own', 6 * 4_096],
] as const;

describe.each(shapes)(`a gallery that is scanned %s, looked for ${inMemory}`, (_, rows) => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-gallery-'));
  const seeds = Array.from({ length: 20 }, (_unused, n) => n + 1);
  const faces = seeds.map(facesOf);
  let child: ChildProcess;

  beforeAll(async () => {
    for (const [n, [face, like]] of faces.entries()) {
      writeFileSync(join(folder, `face-${n}`), face);
      writeFileSync(join(folder, `like-${n}`), like);
    }
    const about = JSON.stringify({ ...rotation, secret: secret.toString('hex') });
    child = fork(holder, [folder, String(rows), about], { execArgv: asSources });
  });
  afterAll(async () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const ask = async (what: 'put' | 'search' | 'forget', name: string) => {
    const answered = once(child, 'message', { signal: AbortSignal.timeout(10_000) });
    child.send([what, name]);
    return (await answered)[0];
  };
  /** Undefined where it cannot be looked for. */
  const formsFound = () => {
    if (!hasReadableMemory) return undefined;
    // To look for all would take minutes.
    const some = [faces.slice(0, 1), faces.slice(-1)].flat();
    const patterns = [...some.flat().flatMap(formsOf), ...some.map(([face]) => rowOf(face))];
    return [...new Set(tracesIn(child.pid ?? 0, patterns).map(({ form }) => form))];
  };

  it('holds rows and nothing else, whoever was searched for', async () => {
    for (const n of faces.keys()) await ask('put', `face-${n}`);
    for (const n of faces.keys()) {
      const hits: { id: string }[] = await ask('search', `like-${n}`);
      expect(hits.map(({ id }) => id)).toEqual([`face-${n}`]);
    }
    expect(formsFound()).toEqual(seen(['row']));
  }, 60_000);

  it('holds nothing of who was forgotten, one second after', async () => {
    for (const n of faces.keys()) expect(await ask('forget', `face-${n}`)).toBe(true);
    await pause(1_000);
    expect(formsFound()).toEqual(seen([]));
  }, 60_000);
});
