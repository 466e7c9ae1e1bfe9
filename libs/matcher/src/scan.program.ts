import type { KernelModules } from './kernel.js';
import type { Layout } from './layout.js';

// Runs in threads too, where Node runs it as it is, as source too: it may import nothing but types.

const blockRows = 4_096;
const foundBytes = 12;

type Scan = (rows: number, count: number, stride: number, probe: number, sums: number, dots: number) => void;
interface Kernel {
  readonly scan: Scan;
  readonly scanFour?: Scan;
  readonly collect: (
    dots: number,
    count: number,
    scales: number,
    errors: number,
    step: number,
    factor: number,
    rest: number,
    floor: number,
    found: number,
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
  /** A row's score is within dot · scale · step ± (error · factor + rest). */
  readonly step: number;
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
    const rows = blocksFrom + block * blockBytes;
    const sums = rows + blockRows * strideBytes;
    const [scales, errors] = [sums + blockRows * 4, sums + blockRows * 8];
    if (wanted.length > 1 && kernel.scanFour) kernel.scanFour(rows, blockRows, strideBytes, probes, sums, dots);
    else {
      for (let n = 0; n < wanted.length; n++) {
        kernel.scan(rows, blockRows, strideBytes, probes + n * strideBytes, sums, dots + n * blockRows * 4);
      }
    }
    for (const [n, { step, factor, rest }] of wanted.entries()) {
      const found = all[n] as Found;
      const from = dots + n * blockRows * 4;
      const length = kernel.collect(from, blockRows, scales, errors, step, factor, rest, found.floor, foundAt);
      for (let at = 0; at < length * 3; at += 3) {
        found.add(block * blockRows + (numbers[at] as number), ends[at + 1] as number, ends[at + 2] as number);
      }
      found.tidyIfLong();
    }
  }
  for (const found of all) found.tidy();
  return all;
}
