import { Worker } from 'node:worker_threads';
import type { KernelModules } from './kernel.js';
import { lanesProbesMax } from './layout.js';
import { Found, type Wanted } from './scan.program.js';
import type { GalleryMessage, LongFinding, ScanThreadSetup } from './scan.worker.js';
import { board, boardOf, foundLength } from './scan-board.js';

/** A thread ended in the middle of a scan, out of memory for one. Nothing was changed; the next scan begins new threads. */
export class ScanFailed extends Error {
  override readonly name = 'ScanFailed';
}

/** Threads that scan one gallery at a time together: each takes the next block that nobody has taken. */
export class ScanThreads {
  private readonly shared;
  private readonly attached = new Map<number, GalleryMessage>();
  private threads: Worker[] = [];
  private long: LongFinding[] = [];
  /** Ends the wait for threads of which one is gone. */
  private fail: (error: Error) => void = () => undefined;

  constructor(
    readonly count: number,
    private readonly modules: KernelModules,
  ) {
    this.shared = boardOf(count);
  }

  /** From now on, or with no memory never again, a gallery of this number can be scanned. */
  attach(message: GalleryMessage): void {
    if (message.memory) this.attached.set(message.gallery, message);
    else this.attached.delete(message.gallery);
    for (const thread of this.threads) thread.postMessage(message);
  }

  /**
   * Compares the probes, which lie in every lane but the first, with all rows. One call at a time.
   * @throws ScanFailed
   */
  async scan(gallery: number, blocks: number, wanted: readonly Wanted[]): Promise<Found[]> {
    if (this.threads.length === 0) this.start();
    const { words } = this.shared;
    words.set([0, 0, blocks, gallery, wanted.length], board.done);
    for (const [n, each] of wanted.entries()) this.ask(n, each);
    this.long = [];
    // A thread that is awaited keeps the process from ending, as nothing else of this does.
    for (const thread of this.threads) thread.ref();
    try {
      const failed = new Promise<never>((_, reject) => {
        this.fail = reject;
      });
      Atomics.add(words, board.scan, 1);
      Atomics.notify(words, board.scan);
      await Promise.race([failed, this.allDone()]);
    } finally {
      for (const thread of this.threads) thread.unref();
    }
    return wanted.map((each, n) => this.together(each, n));
  }

  async close(): Promise<void> {
    const threads = this.threads.splice(0);
    this.fail(new ScanFailed('the matcher was closed'));
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  private ask(n: number, { step, sum, factor, rest, floor, count }: Wanted): void {
    const at = board.wanted + n * board.wantedLength;
    this.shared.numbers.set([step, factor, rest, floor], at);
    this.shared.words.set([sum, count], at + 4);
  }

  private async allDone(): Promise<void> {
    const { words } = this.shared;
    for (let done = 0; done < this.count; done = Atomics.load(words, board.done)) {
      const change = Atomics.waitAsync(words, board.done, done);
      if (change.async) await change.value;
    }
    // What was too long for the board is on its way as a message.
    while (this.long.length < this.longCount()) await new Promise((resolve) => setImmediate(resolve));
  }

  private longCount(): number {
    const places = Array.from({ length: this.count * lanesProbesMax }, (_, place) => board.found + place * foundLength);
    return places.filter((at) => this.shared.words[at] === -1).length;
  }

  /** What all threads found for a probe. */
  private together(wanted: Wanted, n: number): Found {
    const { words, numbers } = this.shared;
    const found = new Found(wanted);
    for (let thread = 0; thread < this.count; thread++) {
      const at = board.found + (thread * lanesProbesMax + n) * foundLength;
      const length = words[at] as number;
      words[at] = 0;
      for (let end = at + 1 + length * 3, from = at + 1; from < end; from += 3) {
        found.add(words[from] as number, numbers[from + 1] as number, numbers[from + 2] as number);
      }
    }
    for (const { probe, rows, upper, lower } of this.long) {
      if (probe !== n) continue;
      for (const [at, row] of rows.entries()) found.add(row, upper[at] as number, lower[at] as number);
    }
    found.tidy();
    return found;
  }

  private start(): void {
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const program = new URL(`./scan.program.${ending}`, import.meta.url).href;
    this.threads = Array.from({ length: this.count }, (_, thread) => {
      const words = { ...this.shared, seen: this.shared.words[board.scan] as number };
      const setup: ScanThreadSetup = { program, thread, ...words, board, foundLength, modules: this.modules };
      const worker = new Worker(new URL(`./scan.worker.${ending}`, import.meta.url), { workerData: setup });
      worker.on('message', (finding: LongFinding) => this.long.push(finding));
      worker.once('error', (cause) => this.died(worker, cause));
      worker.once('exit', () => this.died(worker));
      for (const message of this.attached.values()) worker.postMessage(message);
      return worker;
    });
  }

  private died(worker: Worker, cause?: Error): void {
    if (!this.threads.includes(worker)) return;
    const others = this.threads.splice(0);
    this.fail(new ScanFailed('a thread of the matcher ended', { cause }));
    for (const other of others) void other.terminate();
  }
}
