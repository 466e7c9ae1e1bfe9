import { lanesProbesMax } from './layout.js';

const wantedLength = 6;
const foundMax = 1_024;

/**
 * Where threads and who wakes them leave what they have to say, in memory that they share: places in words of 32 bits,
 * which are whole numbers, or f32 seen as `numbers`.
 */
export const board = {
  /** Counts scans: who waits for the next one waits for this to change. */
  scan: 0,
  /** Threads that are done with it. */
  done: 1,
  /** The next block that nobody has taken, and how many there are. */
  nextBlock: 2,
  blocks: 3,
  gallery: 4,
  probes: 5,
  probesMax: lanesProbesMax,
  /** Of each probe: step, factor, rest, floor; and sum and count, whole numbers. */
  wanted: 6,
  wantedLength,
  /** Of each thread, of each probe: how many were found, -1 when they come as a message; then row, upper and lower end of each. */
  found: 6 + lanesProbesMax * wantedLength,
  foundMax,
} as const;
export type Board = typeof board;

export const foundLength: number = 1 + foundMax * 3;

export function boardOf(threads: number): { readonly words: Int32Array; readonly numbers: Float32Array } {
  const shared = new SharedArrayBuffer((board.found + threads * lanesProbesMax * foundLength) * 4);
  return { words: new Int32Array(shared), numbers: new Float32Array(shared) };
}
