import type { Bench, Rig } from '../../../test/support/bench.js';
import { cosine } from './cosine.js';
import { embeddingOf } from './embedding.js';

const dim = 512;
const batch = 1_000;

/** Always the same coordinates, so that the checksum is too. */
const vector = (seed: number) => Float32Array.from({ length: dim }, (_, n) => Math.sin(seed + n * 12.9898));
const probe = vector(1);
const templates = Array.from({ length: 16 }, (_, n) => vector(n + 2));

/** As it lies in a request's body: at an odd place in a larger buffer. */
const body = new Uint8Array(dim * 4 + 1);
body.set(new Uint8Array(probe.buffer), 1);
const bytes = body.subarray(1);

/** The floor: copying into aligned memory and looking at nothing. */
const copying = () => {
  const copy = new Float32Array(dim);
  new Uint8Array(copy.buffer).set(bytes);
  return copy.length;
};

const reading = () => (embeddingOf(bytes, dim).ok ? 1 : 0);

/** What most people write: the body parsed as a list of numbers. */
const json = JSON.stringify([...probe]);
const parsing = () => Float32Array.from(JSON.parse(json) as number[]).length;

let turn = 0;
const comparing = () => Math.round(1e6 * (1 + cosine(probe, templates[turn++ & 15] as Float32Array)));

const batches = (count: number, operation: () => number) => (): Rig => ({
  step: async () => {
    let sum = 0;
    for (let n = 0; n < count; n++) sum += operation();
    return sum;
  },
  close: () => undefined,
});

const sizes = { smoke: 2, real: 1_000, lanes: 1 };

export const benches: Bench[] = [
  { name: 'bare copy of 512 f32', ...sizes, weight: batch, setup: batches(batch, copying) },
  { name: 'JSON.parse of 512 numbers', ...sizes, weight: 10, setup: batches(10, parsing) },
  { name: 'matcher reads 512 f32', ...sizes, weight: batch, setup: batches(batch, reading) },
  { name: 'matcher compares 512 f32', ...sizes, weight: batch, setup: batches(batch, comparing) },
];
