import type { KernelModules } from './kernel.js';
import type { Layout } from './layout.js';

// Runs in threads too, where Node runs it as it is, as source too: it may import nothing but types.

const blockRows = 4_096;
const foundBytes = 12;
/** In half steps, what a coordinate was raised by: 128; and where only its upper half is counted, 7.5 less. */
const [raised, raisedCoarse] = [256, 241];

interface Kernel {
  readonly coarse: (rows: number, count: number, stride: number, probe: number, dots: number) => void;
  readonly coarseFour?: Kernel['coarse'];
  readonly fine: (rows: number, found: number, length: number, stride: number, probe: number, dots: number) => void;
  readonly collect: (
    dots: number,
    count: number,
    less: number,
    scales: number,
    errors: number,
    step: number,
    factor: number,
    rest: number,
    floor: number,
    found: number,
  ) => number;
  readonly narrow: (
    found: number,
    length: number,
    dots: number,
    less: number,
    scales: number,
    errors: number,
    step: number,
    factor: number,
    rest: number,
    floor: number,
  ) => number;
}

/** A memory with the kernel over it, as one thread has it. */
export interface Attached {
  readonly memory: WebAssembly.Memory;
  readonly layout: Layout;
  readonly kernel: Kernel;
}

export function attach(memory: WebAssembly.Memory, layout: Layout, { scan, collect }: KernelModules): Attached {
  const parts = [scan, collect].map((module) => new WebAssembly.Instance(module, { gallery: { memory } }).exports);
  return { memory, layout, kernel: Object.assign({}, ...parts) as Kernel };
}

/** What is asked of one probe, besides its coordinates: its own part in every interval, and which rows are wanted. */
export interface Wanted {
  /** A row's score is within (dot - less) · scale · step ± (error · factor + rest). Dots are in half steps. */
  readonly step: number;
  /** Of the probe's coordinates: so many times is added to a dot what was added to every coordinate of a row. */
  readonly sum: number;
  readonly factor: number;
  readonly rest: number;
  /** Rows whose score may reach this. */
  readonly floor: number;
  /** And that may be among so many best; 0: all of them. */
  readonly count: number;
}

/** Rows that may be wanted, each with the ends of its interval. Grows as needed: nothing that may be wanted is left out. */
export class Found {
  rows = new Uint32Array(1_024);
  upper = new Float32Array(1_024);
  lower = new Float32Array(1_024);
  length = 0;
  floor: number;
  /** The best lower ends, ascending; as many as rows are wanted. */
  private readonly best: Float32Array;
  private bestLength = 0;
  private tidyAt = 1_024;

  constructor({ floor, count }: Pick<Wanted, 'floor' | 'count'>) {
    this.floor = floor;
    this.best = new Float32Array(count);
  }

  add(row: number, upper: number, lower: number): void {
    if (upper < this.floor) return;
    if (this.length === this.rows.length) this.grow();
    this.rows[this.length] = row;
    this.upper[this.length] = upper;
    this.lower[this.length++] = lower;
    if (this.best.length > 0) this.rank(lower);
  }

  /** Leaves out what cannot be wanted any more: so many others are certainly better. */
  tidy(): void {
    let kept = 0;
    for (let at = 0; at < this.length; at++) {
      if ((this.upper[at] as number) < this.floor) continue;
      this.rows[kept] = this.rows[at] as number;
      this.upper[kept] = this.upper[at] as number;
      this.lower[kept++] = this.lower[at] as number;
    }
    this.length = kept;
    this.tidyAt = Math.max(1_024, kept * 2);
  }

  tidyIfLong(): void {
    if (this.length >= this.tidyAt) this.tidy();
  }

  private rank(lower: number): void {
    const { best } = this;
    if (this.bestLength < best.length) {
      let at = this.bestLength++;
      for (; at > 0 && (best[at - 1] as number) > lower; at--) best[at] = best[at - 1] as number;
      best[at] = lower;
    } else if (lower > (best[0] as number)) {
      let at = 0;
      for (; at + 1 < best.length && (best[at + 1] as number) < lower; at++) best[at] = best[at + 1] as number;
      best[at] = lower;
    }
    if (this.bestLength === best.length) this.floor = Math.max(this.floor, best[0] as number);
  }

  private grow(): void {
    const larger = <A extends Uint32Array | Float32Array>(from: A, to: A) => {
      to.set(from);
      return to;
    };
    this.rows = larger(this.rows, new Uint32Array(this.length * 2));
    this.upper = larger(this.upper, new Float32Array(this.length * 2));
    this.lower = larger(this.lower, new Float32Array(this.length * 2));
  }
}

/**
 * Compares up to four probes, which lie in the lane, with every row of the blocks that `nextBlock` gives out, undefined
 * after the last. Each probe's rows come back, in no order.
 */
export function scanBlocks(
  { memory, layout, kernel }: Attached,
  lane: number,
  wanted: readonly Wanted[],
  nextBlock: () => number | undefined,
): Found[] {
  const { strideBytes, laneBytes, blockBytes, blocksFrom } = layout;
  const probes = lane * laneBytes;
  const dots = probes + 4 * strideBytes;
  const foundAt = dots + 4 * blockRows * 4;
  const numbers = new Int32Array(memory.buffer, foundAt, (blockRows * foundBytes) / 4);
  const ends = new Float32Array(memory.buffer, foundAt, (blockRows * foundBytes) / 4);
  const all = wanted.map((each) => new Found(each));
  for (let block = nextBlock(); block !== undefined; block = nextBlock()) {
    const upper = blocksFrom + block * blockBytes;
    const lower = upper + (blockRows * strideBytes) / 2;
    const scales = upper + blockRows * strideBytes;
    const [coarseErrors, errors] = [scales + blockRows * 4, scales + blockRows * 8];
    if (wanted.length > 1 && kernel.coarseFour) kernel.coarseFour(upper, blockRows, strideBytes, probes, dots);
    else {
      for (let n = 0; n < wanted.length; n++) {
        kernel.coarse(upper, blockRows, strideBytes, probes + n * strideBytes, dots + n * blockRows * 4);
      }
    }
    for (const [n, { step, sum, factor, rest }] of wanted.entries()) {
      const found = all[n] as Found;
      const { floor } = found;
      const [probe, from] = [probes + n * strideBytes, dots + n * blockRows * 4];
      const [lessCoarse, less] = [raisedCoarse * sum, raised * sum];
      const promising = kernel.collect(
        from,
        blockRows,
        lessCoarse,
        scales,
        coarseErrors,
        step,
        factor,
        rest,
        floor,
        foundAt,
      );
      kernel.fine(lower, foundAt, promising, strideBytes, probe, from);
      const length = kernel.narrow(foundAt, promising, from, less, scales, errors, step, factor, rest, floor);
      for (let at = 0; at < length * 3; at += 3) {
        found.add(block * blockRows + (numbers[at] as number), ends[at + 1] as number, ends[at + 2] as number);
      }
      found.tidyIfLong();
    }
  }
  for (const found of all) found.tidy();
  return all;
}
