import type { Gallery } from './gallery.js';
import { bestKernelForm, compiledKernel, type KernelForm } from './kernel.js';
import { lanesProbesMax } from './layout.js';
import { quantiseProbe } from './quantised.js';
import { type Attached, attach, type Found, scanBlocks, type Wanted } from './scan.program.js';
import { ScanFailed, ScanThreads } from './scan-threads.js';

/** Up to so many blocks are scanned at once by who asks: to wake others takes longer, and under 0.5 ms at a threshold hold nobody up. */
const inlineBlocksMax = 5;

const countMax = 1_000;
/** Below every score, and above the interval of a row that nobody is in. */
const floorMin = -2;

/** Which rows are wanted: those that may score `floor`, and of these all, or those that may be among the best `count`. */
export interface Asked {
  readonly floor: number;
  /** 0 for all; else up to 1,000. */
  readonly count: number;
}

interface Waiting {
  readonly gallery: Gallery;
  readonly probe: Float64Array;
  readonly asked: Asked;
  readonly resolve: (found: Found) => void;
  readonly reject: (error: unknown) => void;
}

interface Known {
  readonly number: number;
  readonly inline: Attached;
}

/**
 * Compares probes with galleries: small ones at once, in the thread that asks; others in threads of its own, one pass over
 * a gallery at a time for up to four probes that wait. What a pass worked with, quantised probes and scores, is overwritten after it.
 */
export class Scanner {
  private readonly modules;
  private readonly threads;
  private readonly known = new Map<Gallery, Known>();
  private waiting: Waiting[] = [];
  private isAtWork = false;
  private galleries = 0;

  /** @param threads 1 or more: as many as there are cores to spare */
  constructor(threads: number, form: KernelForm = bestKernelForm()) {
    this.modules = compiledKernel(form);
    this.threads = new ScanThreads(threads, this.modules);
  }

  /** The lanes that a gallery needs to be scanned from here. */
  get lanes(): number {
    return this.threads.count + 1;
  }

  /**
   * Rows that may be wanted; none that is wanted is missing. Changes of the gallery meanwhile may or may not be seen.
   * @param probe rotated, of length 1; left as it is
   * @throws ScanFailed, RangeError when asked for what nobody may ask
   */
  scan(gallery: Gallery, probe: Float64Array, { floor, count }: Asked): Promise<Found> {
    return new Promise((resolve, reject) => {
      if (Number.isNaN(floor)) throw new RangeError('a floor that is no number');
      if (!Number.isInteger(count) || count < 0 || count > countMax) {
        throw new RangeError(`up to ${countMax} rows can be asked for`);
      }
      const asked = { floor: Math.max(floor, floorMin), count };
      this.waiting.push({ gallery, probe, asked, resolve, reject });
      if (!this.isAtWork) void this.work();
    });
  }

  /** The gallery is not scanned any more, and its memory is let go. */
  release(gallery: Gallery): void {
    const known = this.known.get(gallery);
    if (!known) return;
    this.known.delete(gallery);
    this.threads.attach({ gallery: known.number });
  }

  /** Ends the threads. What waits fails. */
  async close(): Promise<void> {
    for (const { reject } of this.waiting.splice(0)) reject(new ScanFailed('the matcher was closed'));
    await this.threads.close();
  }

  private async work(): Promise<void> {
    this.isAtWork = true;
    // Those who ask in the same turn share the first pass.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const pass = this.nextPass();
      try {
        const found = await this.pass((pass[0] as Waiting).gallery, pass);
        for (const [n, { resolve }] of pass.entries()) resolve(found[n] as Found);
      } catch (error) {
        for (const { reject } of pass) reject(error);
      }
    }
    this.isAtWork = false;
  }

  /** The one that has waited longest, and others who wait for the same gallery. */
  private nextPass(): readonly Waiting[] {
    const gallery = this.waiting[0]?.gallery;
    const pass = this.waiting.filter((each) => each.gallery === gallery).slice(0, lanesProbesMax);
    this.waiting = this.waiting.filter((each) => !pass.includes(each));
    return pass;
  }

  private async pass(gallery: Gallery, probes: readonly Pick<Waiting, 'probe' | 'asked'>[]): Promise<Found[]> {
    const { number, inline } = this.knownOf(gallery);
    const isInline = gallery.blockCount <= inlineBlocksMax;
    const lanes = isInline ? [0] : Array.from({ length: this.threads.count }, (_, thread) => thread + 1);
    const wanted = probes.map(({ probe, asked }, n) => ({ ...asked, ...this.write(gallery, lanes, n, probe) }));
    try {
      if (!isInline) return await this.threads.scan(number, gallery.blockCount, wanted);
      let block = 0;
      return scanBlocks(inline, 0, wanted, () => (block < gallery.blockCount ? block++ : undefined));
    } finally {
      for (const lane of lanes) gallery.clearLane(lane);
    }
  }

  /** Quantises a probe into the lanes of those who are to scan. */
  private write(gallery: Gallery, lanes: readonly number[], n: number, probe: Float64Array) {
    const { strideBytes } = gallery.layout;
    const [first = 0, ...others] = lanes;
    const place = (lane: number) => gallery.lane(lane).subarray(n * strideBytes, (n + 1) * strideBytes);
    const quantised = place(first);
    const figures = quantiseProbe(probe, quantised);
    for (const lane of others) place(lane).set(quantised);
    return figures satisfies Partial<Wanted>;
  }

  private knownOf(gallery: Gallery): Known {
    const known = this.known.get(gallery);
    if (known) return known;
    const { memory, layout } = gallery;
    const number = this.galleries++;
    this.threads.attach({ gallery: number, memory, layout });
    const made = { number, inline: attach(memory, layout, this.modules) };
    this.known.set(gallery, made);
    return made;
  }
}
