import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { cosine } from './cosine.js';
import { Rotation } from './rotation.js';

const secret = (byte: number) => createSecretKey(Buffer.alloc(32, byte));
const rotationOf = (
  dim: number,
  change: { readonly byte?: number; readonly purpose?: string; readonly version?: number } = {},
) =>
  Rotation.of(secret(change.byte ?? 1), {
    purpose: change.purpose ?? 'registration',
    version: change.version ?? 1,
    dim,
  });
const dims = [64, 65, 100, 127, 128, 512, 768, 1_000, 2_048];
const embedding = (dim: number) =>
  fc
    .float32Array({ noNaN: true, noDefaultInfinity: true, min: -1_000, max: 1_000, minLength: dim, maxLength: dim })
    .filter((vector) => Math.hypot(...vector) > 1e-3);
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, at) => sum + x * (b[at] as number), 0);

describe('a rotation', () => {
  it.each(dims)('of %s coordinates keeps every angle, and has length 1', (dim) => {
    const rotation = rotationOf(dim);
    fc.assert(
      fc.property(embedding(dim), embedding(dim), (a, b) => {
        const [x, y] = [rotation.rotate(a), rotation.rotate(b)];
        expect(dot(x, x)).toBeCloseTo(1, 12);
        expect(Math.abs(dot(x, y) - cosine(a, b))).toBeLessThan(1e-12);
      }),
      { numRuns: 20 },
    );
  });

  it.each([Float32Array.of(2 ** -149, ...Array(63).fill(0)), new Float32Array(64).fill(3e38)])(
    'takes what is very small and very large',
    (vector) => {
      const rotated = rotationOf(64).rotate(vector);
      expect(dot(rotated, rotated)).toBeCloseTo(1, 12);
    },
  );

  it('spreads what lies in one coordinate over all of them', () => {
    for (const dim of dims) {
      const vector = new Float32Array(dim);
      vector[dim - 1] = 1;
      const largest = rotationOf(dim)
        .rotate(vector)
        .reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      expect(largest).toBeLessThan(8 / Math.sqrt(dim));
    }
  });

  it('is another one by another key, version, purpose or dimension, and the same by the same', () => {
    const vector = Float32Array.from({ length: 512 }, (_, at) => Math.sin(at * at));
    const rotated = rotationOf(512).rotate(vector);
    expect(rotationOf(512).rotate(vector)).toEqual(rotated);
    for (const change of [{ byte: 2 }, { purpose: 'discharge' }, { version: 2 }]) {
      expect(Math.abs(dot(rotationOf(512, change).rotate(vector), rotated))).toBeLessThan(0.25);
    }
  });

  it('refuses what has no direction, another dimension, and rotates nothing once it is forgotten', () => {
    const rotation = rotationOf(64);
    expect(() => rotation.rotate(new Float32Array(64))).toThrow(RangeError);
    expect(() => rotation.rotate(new Float32Array(64).fill(Number.NaN))).toThrow(RangeError);
    expect(() => rotation.rotate(new Float32Array(65).fill(1))).toThrow(RangeError);
    expect(() => rotationOf(63)).toThrow(RangeError);
    expect(() => rotationOf(2_049)).toThrow(RangeError);
    rotation.forget();
    expect(dot(rotation.rotate(new Float32Array(64).fill(1)), new Float64Array(64).fill(1))).toBe(0);
  });
});
