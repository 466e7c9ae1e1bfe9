import type { Wanted } from './scan.program.js';

/** A row's coordinates are from -127 to 127; a probe's from -63 to 63, and 64 is added (see scan-relaxed.wat). */
const rowMax = 127;
const probeMax = 63;
const probeShift = 64;

/**
 * What rounding may do to a score beside the errors that are counted: f32 arithmetic of the kernel (four roundings of
 * numbers below 1.1, under 3e-7), a threshold rounded to f32 (6e-8), the rotation and the norms in f64, and the sum of the exact
 * cosine (together under 1e-11 up to 2,048 coordinates). See README.md.
 */
const roundingMax = 1e-6;

/** What stands beside a quantised row. */
export interface RowFigures {
  /** 64 times the sum of its coordinates. */
  readonly sum: number;
  /** Of one step of a coordinate. f32. */
  readonly scale: number;
  /** The distance from the row as it was, at most. f32. */
  readonly error: number;
}

/** Rounded up to f32, and a little more: what is a bound stays one. */
const boundOf = (x: number): number => Math.fround(x * (1 + 2 ** -22) + 2 ** -40);

const lengthErrorMax = 1e-9;

/** @throws RangeError when the vector is not of length 1: the intervals would not hold */
function quantise(vector: Float64Array, max: number, into: Int8Array) {
  let largest = 0;
  let length = 0;
  for (const x of vector) {
    largest = Math.max(largest, Math.abs(x));
    length += x * x;
  }
  if (!(Math.abs(length - 1) <= lengthErrorMax)) throw new RangeError('a vector that is not of length 1');
  const scale = Math.fround(largest / max);
  let square = 0;
  let sum = 0;
  for (let at = 0; at < vector.length; at++) {
    const x = vector[at] as number;
    const step = Math.max(-max, Math.min(max, Math.round(x / scale)));
    into[at] = step;
    sum += step;
    square += (x - step * scale) ** 2;
  }
  return { scale, sum, distance: Math.sqrt(square) };
}

/** Writes a rotated unit vector as a row. `into` is as long as the layout's stride: what is beyond the vector stays zero. */
export function quantiseRow(vector: Float64Array, into: Int8Array): RowFigures {
  const { scale, sum, distance } = quantise(vector, rowMax, into);
  return { sum: sum * probeShift, scale, error: boundOf(distance) };
}

/**
 * Writes a rotated unit vector as a probe, and says what it adds to every interval: for a row g with error e and this
 * probe p with distance d, |<g, p> - <ĝ, p̂>| <= e + d (1 + e), since |p| = 1 and |ĝ| <= 1 + e.
 */
export function quantiseProbe(vector: Float64Array, into: Int8Array): Pick<Wanted, 'step' | 'factor' | 'rest'> {
  const { scale, distance } = quantise(vector, probeMax, into);
  for (let at = 0; at < vector.length; at++) into[at] = (into[at] as number) + probeShift;
  return { step: scale, factor: boundOf(1 + distance), rest: boundOf(distance + roundingMax) };
}
