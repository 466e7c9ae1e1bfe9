import fc from 'fast-check';
import { normals } from '../../../test/support/chance.js';
import { quantiseProbe, quantiseRow } from './quantised.js';

const unit = (vector: readonly number[]) => {
  const length = Math.hypot(...vector);
  return Float64Array.from(vector, (x) => x / length);
};
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, n) => sum + x * (b[n] as number), 0);

/** A row as it can be read from memory: both halves of each coordinate. */
function halvesOf(bytes: Uint8Array, dim: number): [upper: number, lower: number][] {
  return Array.from({ length: dim }, (_, n) => {
    const at = Math.floor(n / 32) * 16 + (n % 16);
    const half = (from: number) =>
      n % 32 < 16 ? (bytes[from + at] as number) & 15 : (bytes[from + at] as number) >> 4;
    return [half(0), half(bytes.length / 2)];
  });
}

describe('quantised', () => {
  const dim = 100;
  const vector = fc
    .oneof(
      fc.nat().map((seed) => Array.from({ length: dim }, normals(seed + 1))),
      fc.nat(dim - 1).map((at) => Array.from({ length: dim }, (_, n) => (n === at ? -1 : 0))),
      fc.constantFrom(1, -1).map((x) => new Array<number>(dim).fill(x)),
      fc
        .array(fc.integer({ min: -16, max: 16 }), { minLength: dim, maxLength: dim })
        .map((all) => [1, ...all.slice(1)]),
    )
    .map(unit);

  it('a score lies within the interval of the upper halves, and within that of both', () => {
    fc.assert(
      fc.property(vector, vector, (row, other) => {
        const [stored, probe] = [new Uint8Array(128).fill(255), new Int8Array(128)];
        const { scale, coarseError, error } = quantiseRow(row, stored);
        const { step, sum, factor, rest } = quantiseProbe(other, probe);
        let [coarse, fine] = [0, 0];
        for (const [n, [upper, lower]] of halvesOf(stored, dim).entries()) {
          coarse += 32 * upper * (probe[n] as number);
          fine += (32 * upper + 2 * lower) * (probe[n] as number);
        }
        const score = dot(row, other);
        expect(Math.abs(score - (coarse - 241 * sum) * scale * step)).toBeLessThanOrEqual(coarseError * factor + rest);
        expect(Math.abs(score - (fine - 256 * sum) * scale * step)).toBeLessThanOrEqual(error * factor + rest);
      }),
    );
  });

  it('the errors of a row are how far it is from what was stored, and hardly more', () => {
    fc.assert(
      fc.property(vector, (row) => {
        const stored = new Uint8Array(128);
        const { scale, coarseError, error } = quantiseRow(row, stored);
        const halves = halvesOf(stored, dim);
        const coarse = Math.hypot(...halves.map(([upper], n) => (row[n] as number) - (16 * upper - 120.5) * scale));
        const fine = Math.hypot(
          ...halves.map(([upper, lower], n) => (row[n] as number) - (16 * upper + lower - 128) * scale),
        );
        expect([coarseError >= coarse, coarseError - coarse < 1e-6]).toEqual([true, true]);
        expect([error >= fine, error - fine < 1e-6]).toEqual([true, true]);
      }),
    );
  });

  it('a row that was even comes with errors that are small', () => {
    const { coarseError, error } = quantiseRow(unit(Array.from({ length: 512 }, normals(7))), new Uint8Array(512));
    expect(coarseError).toBeLessThan(0.2);
    expect(error).toBeLessThan(0.02);
  });
});
