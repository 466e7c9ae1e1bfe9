import fc from 'fast-check';
import { cosine, unitNorm } from './cosine.js';

const dim = 24;
const coordinate = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1_000, max: 1_000 });
const embedding = fc.float32Array({
  noNaN: true,
  noDefaultInfinity: true,
  min: -1_000,
  max: 1_000,
  minLength: dim,
  maxLength: dim,
});
const directed = embedding.filter((vector) => Math.hypot(...vector) > 1e-3);

/** A slow truth: another algorithm, by normalising first and by the distance between the ends. */
const oracle = (a: Float32Array, b: Float32Array) => {
  const [lengthA, lengthB] = [Math.hypot(...a), Math.hypot(...b)];
  const distance = Math.hypot(...[...a].map((x, n) => x / lengthA - (b[n] as number) / lengthB));
  return 1 - distance ** 2 / 2;
};

describe('cosine', () => {
  it('is what a naive reference says, and between -1 and 1', () => {
    fc.assert(
      fc.property(directed, directed, (a, b) => {
        const score = cosine(a, b);
        expect(score).toBeCloseTo(oracle(a, b), 12);
        expect(Math.abs(score)).toBeLessThanOrEqual(1);
        expect(cosine(b, a)).toBe(score);
      }),
    );
  });

  it('is exactly 1 with itself and -1 with its opposite', () => {
    fc.assert(
      fc.property(directed, (a) => {
        expect(cosine(a, a)).toBe(1);
        expect(
          cosine(
            a,
            a.map((x) => -x),
          ),
        ).toBe(-1);
      }),
    );
  });

  it('does not depend on length: a power of two changes no bit', () => {
    fc.assert(
      fc.property(directed, directed, fc.integer({ min: -20, max: 20 }), (a, b, power) => {
        const normal = (vector: Float32Array) => vector.map((x) => (Math.abs(x) < 1e-20 ? 0 : x));
        const scaled = normal(a).map((x) => x * 2 ** power);
        expect(cosine(scaled, b)).toBe(cosine(normal(a), b));
      }),
    );
  });

  it('sums from the first to the last: the order is part of the format', () => {
    // 2 ** 60 + 1 loses the 1 in f64: another order, or two sums side by side, would end at 2 or 0 instead of 1.
    const a = Float32Array.of(2 ** 30, 1, -(2 ** 30), 1);
    const b = Float32Array.of(2 ** 30, 1, 2 ** 30, 1);
    expect(cosine(a, b) * Math.sqrt(2 ** 61 * 2 ** 61)).toBe(1);
  });

  it('holds for the smallest and the largest coordinates', () => {
    const [tiny, huge] = [2 ** -126, 2 ** 127];
    expect(cosine(Float32Array.of(tiny, 0), Float32Array.of(tiny, tiny))).toBeCloseTo(Math.SQRT1_2, 15);
    expect(cosine(Float32Array.of(huge, 0), Float32Array.of(huge, huge))).toBeCloseTo(Math.SQRT1_2, 15);
    expect(cosine(Float32Array.of(tiny, 0), Float32Array.of(huge, huge))).toBeCloseTo(Math.SQRT1_2, 15);
  });

  it('is no number where there is no direction', () => {
    expect(cosine(new Float32Array(3), Float32Array.of(1, 2, 3))).toBeNaN();
    expect(cosine(Float32Array.of(1, Number.NaN, 3), Float32Array.of(1, 2, 3))).toBeNaN();
  });

  it('of different lengths is a bug', () => {
    expect(() => cosine(new Float32Array(3), new Float32Array(4))).toThrow('of different lengths');
  });
});

describe('unit norm', () => {
  it('leaves length 1 and the direction', () => {
    fc.assert(
      fc.property(directed, (vector) => {
        const unit = vector.slice();
        unitNorm(unit);
        expect(Math.hypot(...unit)).toBeCloseTo(1, 6);
        expect(cosine(unit, vector)).toBeCloseTo(1, 12);
      }),
    );
  });

  it.each([[[0, 0]], [[Number.NaN, 1]], [[Number.POSITIVE_INFINITY, 1]]])('leaves %p as it is', (coordinates) => {
    const vector = Float32Array.from(coordinates);
    unitNorm(vector);
    expect([...vector]).toEqual(coordinates);
  });

  it('works on its place in memory and on nothing beside it', () => {
    fc.assert(
      fc.property(coordinate, (beside) => {
        const all = Float32Array.of(beside, 3, 4, beside);
        unitNorm(all.subarray(1, 3));
        expect(all).toEqual(Float32Array.of(beside, 0.6, 0.8, beside));
      }),
    );
  });
});
