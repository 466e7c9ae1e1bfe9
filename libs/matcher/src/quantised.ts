import type { Wanted } from './scan.program.js';

/** Coordinates of rows and of probes are from -127 to 127. */
const stepMax = 127;
/** A row's coordinate is stored as 1 to 255, and of these the upper four bits stand for the middle of what they leave open. */
const rowShift = 128;
const halfOpen = 7.5;

/**
 * What rounding may do to a score beside the errors that are counted, for each 1 + e of a row: f32 arithmetic of the kernel,
 * a threshold rounded to f32, the rotation, norms and the sum of the exact cosine in f64. See README.md.
 */
const roundingMax = 1e-6;

/** What stands beside a quantised row. */
export interface RowFigures {
  /** Of one step of a coordinate. f32. */
  readonly scale: number;
  /** The distance of the upper halves alone from the row as it was, at most. f32. */
  readonly coarseError: number;
  /** The same of both halves. f32. */
  readonly error: number;
}

/** Rounded up to f32, and a little more: what is a bound stays one. */
const boundOf = (x: number): number => Math.fround(x * (1 + 2 ** -22) + 2 ** -40);

const lengthErrorMax = 1e-9;

/** @throws RangeError when the vector is not of length 1: the intervals would not hold */
function scaleOf(vector: Float64Array): number {
  let largest = 0;
  let length = 0;
  for (const x of vector) {
    largest = Math.max(largest, Math.abs(x));
    length += x * x;
  }
  if (!(Math.abs(length - 1) <= lengthErrorMax)) throw new RangeError('a vector that is not of length 1');
  return Math.fround(largest / stepMax);
}

const stepsOf = (x: number, scale: number): number => Math.max(-stepMax, Math.min(stepMax, Math.round(x / scale)));

/**
 * Writes a rotated unit vector as a row: the upper halves of its coordinates, and then the lower ones (see scan-relaxed.wat for
 * where each lies). `into` is as long as the layout's stride, and what it held is gone.
 */
export function quantiseRow(vector: Float64Array, into: Uint8Array): RowFigures {
  const scale = scaleOf(vector);
  const lower = into.length / 2;
  into.fill(0);
  let square = 0;
  let coarseSquare = 0;
  for (let n = 0; n < vector.length; n++) {
    const x = vector[n] as number;
    const stored = stepsOf(x, scale) + rowShift;
    const [upperHalf, lowerHalf] = [stored >> 4, stored & 15];
    const at = (n >> 6) * 32 + ((n >> 5) & 1) * 16 + (n & 15);
    const shift = ((n >> 4) & 1) * 4;
    into[at] = (into[at] as number) | (upperHalf << shift);
    into[lower + at] = (into[lower + at] as number) | (lowerHalf << shift);
    square += (x - (stored - rowShift) * scale) ** 2;
    coarseSquare += (x - (upperHalf * 16 + halfOpen - rowShift) * scale) ** 2;
  }
  return { scale, coarseError: boundOf(Math.sqrt(coarseSquare)), error: boundOf(Math.sqrt(square)) };
}

/**
 * Writes a rotated unit vector as a probe, and says what it adds to every interval: for a row g with error e and this
 * probe p with distance d, |<g, p> - <ĝ, p̂>| <= e + d (1 + e), since |p| = 1 and |ĝ| <= 1 + e.
 */
export function quantiseProbe(vector: Float64Array, into: Int8Array): Pick<Wanted, 'step' | 'sum' | 'factor' | 'rest'> {
  const scale = scaleOf(vector);
  let square = 0;
  let sum = 0;
  for (let n = 0; n < vector.length; n++) {
    const x = vector[n] as number;
    const steps = stepsOf(x, scale);
    into[n] = steps;
    sum += steps;
    square += (x - steps * scale) ** 2;
  }
  const distance = Math.sqrt(square);
  return { step: scale / 2, sum, factor: boundOf(1 + distance + roundingMax), rest: boundOf(distance + roundingMax) };
}
