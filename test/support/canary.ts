import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chance } from './chance.js';

const period = 8;
const floatBytes = 4;

/**
 * A face made to be found again: 8 values over and over, so that a piece of 64 bytes anywhere in it holds the first of
 * them to the last in order, and one pattern finds it whatever is left of it.
 */
export class Canary {
  readonly face: Uint8Array;
  private readonly values: Float32Array;

  /** One that is `near` another is accepted as the same face, and has no number in common with it. */
  constructor(seed: number, near?: Canary, dim = 512) {
    const random = chance(seed);
    const values = Array.from({ length: period }, (_, n) => (near ? (near.values[n] ?? 0) : 0.5 - random()));
    const noisy = values.map((value) => value * (1 + (near ? 0.02 * (random() - 0.5) : 0)));
    const norm = Math.hypot(...noisy) * Math.sqrt(dim / period);
    this.values = Float32Array.from(noisy, (value) => value / norm);
    const whole = new Float32Array(dim);
    for (let at = 0; at < dim; at += period) whole.set(this.values, at);
    this.face = new Uint8Array(whole.buffer);
  }

  /** What the face would look like wherever it is kept in the clear, by form. */
  patterns(): ReadonlyMap<string, Buffer> {
    const bytes = Buffer.from(this.face);
    const largest = Math.max(...this.values.map(Math.abs));
    const int8 = (scale: number) =>
      Buffer.from(Int8Array.from([...this.values, ...this.values], (x) => Math.round(x * scale)));
    const numbers = [...this.values].slice(0, 4);
    const length = lengthOf(new Float32Array(this.face.buffer));
    const json = JSON.stringify(numbers).slice(1, -1);
    return new Map([
      ['f32', bytes.subarray(0, period * floatBytes)],
      ['f32 big-endian', Buffer.from(bytes.subarray(0, period * floatBytes)).swap32()],
      ['f64', Buffer.from(Float64Array.from(numbers).buffer)],
      ['f64 of length 1', Buffer.from(Float64Array.from(numbers, (x) => x / length).buffer)],
      ['int8 of the largest', int8(127 / largest)],
      ['int8 of one', int8(127)],
      ...[0, 1, 2].map((skip) => [`base64 from ${skip}`, base64From(bytes, skip)] as const),
      ['hex', Buffer.from(bytes.subarray(0, period * floatBytes).toString('hex'))],
      ['json', Buffer.from(json)],
      ['json, rounded', Buffer.from(numbers.map((x) => x.toFixed(6)).join(','))],
      ['json in utf-16', Buffer.from(json, 'utf16le')],
      ['one number', Buffer.from(String(numbers[0]))],
    ]);
  }
}

/** As who makes a rotated vector of it takes it, to the last bit. */
export function lengthOf(values: Float32Array): number {
  const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return largest * Math.sqrt(values.reduce((square, x) => square + (x / largest) ** 2, 0));
}

/** Base64 of the first 30 bytes from `skip` on: what they look like where a text begins there, or 3, 6, 9 ... before. */
const base64From = (bytes: Buffer, skip: number) => Buffer.from(bytes.subarray(skip, skip + 30).toString('base64'));

/** What a text looks like wherever it is kept in the clear. */
export function patternsOf(text: string): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(text);
  const whole = (skip: number) => bytes.subarray(skip, skip + 3 * Math.floor((bytes.length - skip) / 3));
  return new Map([
    ['text', bytes],
    ['utf-16', Buffer.from(text, 'utf16le')],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ...[0, 1, 2].map((skip) => [`base64 from ${skip}`, Buffer.from(whole(skip).toString('base64'))] as const),
  ]);
}

/** Everything in a folder, by name. */
export function filesIn(folder: string): ReadonlyMap<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path)]));
}

/** Where any of the patterns stands. */
export function found(places: ReadonlyMap<string, Buffer>, patterns: Iterable<readonly [string, Buffer]>): string[] {
  const all = [...patterns];
  return [...places].flatMap(([place, bytes]) =>
    all.filter(([, pattern]) => bytes.includes(pattern)).map(([form]) => `${form} in ${place}`),
  );
}
