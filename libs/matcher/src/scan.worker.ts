import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { KernelModules } from './kernel.js';
import type { Layout } from './layout.js';
import type * as ScanProgram from './scan.program.js';
import type { Attached, Wanted } from './scan.program.js';
import type { Board } from './scan-board.js';

// A thread of ScanThreads. Node runs it as it is, as source too: it may import nothing but types and Node's modules.

/** A gallery to be scanned from now on; without a memory, never again. */
export interface GalleryMessage {
  readonly gallery: number;
  readonly memory?: WebAssembly.Memory;
  readonly layout?: Layout;
}

/** What a thread found for a probe, where it is too much for the board. */
export interface LongFinding {
  readonly probe: number;
  readonly rows: Uint32Array;
  readonly upper: Float32Array;
  readonly lower: Float32Array;
}

export interface ScanThreadSetup {
  readonly program: string;
  readonly thread: number;
  readonly words: Int32Array;
  readonly numbers: Float32Array;
  /** The scan before the first of this thread. */
  readonly seen: number;
  readonly board: Board;
  readonly foundLength: number;
  readonly modules: KernelModules;
}

const setup = workerData as ScanThreadSetup;
const { thread, words, numbers, board, foundLength } = setup;
const { attach, scanBlocks } = (await import(setup.program)) as typeof ScanProgram;
const port = parentPort as NonNullable<typeof parentPort>;
const galleries = new Map<number, Attached>();

function takeMessages(): void {
  for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
    const { gallery, memory, layout } = received.message as GalleryMessage;
    if (memory && layout) galleries.set(gallery, attach(memory, layout, setup.modules));
    else galleries.delete(gallery);
  }
}

const wantedAt = (n: number): Wanted => {
  const at = board.wanted + n * board.wantedLength;
  const [step = 0, factor = 0, rest = 0, floor = 0] = numbers.subarray(at, at + 4);
  return { step, factor, rest, floor, sum: words[at + 4] as number, count: words[at + 5] as number };
};

const nextBlock = (): number | undefined => {
  const block = Atomics.add(words, board.nextBlock, 1);
  return block < (words[board.blocks] as number) ? block : undefined;
};

function scan(): void {
  const attached = galleries.get(words[board.gallery] as number);
  if (!attached) throw new Error('a scan of a gallery that is not here');
  const wanted = Array.from({ length: words[board.probes] as number }, (_, n) => wantedAt(n));
  // The first lane is that of the thread which asks.
  for (const [probe, found] of scanBlocks(attached, thread + 1, wanted, nextBlock).entries()) {
    const { rows, upper, lower, length } = found;
    const at = board.found + (thread * board.probesMax + probe) * foundLength;
    const isLong = length > board.foundMax;
    words[at] = isLong ? -1 : length;
    if (isLong) {
      const [shown, up, low] = [rows.slice(0, length), upper.slice(0, length), lower.slice(0, length)];
      port.postMessage({ probe, rows: shown, upper: up, lower: low } satisfies LongFinding);
      continue;
    }
    for (let n = 0; n < length; n++) {
      words[at + 1 + n * 3] = rows[n] as number;
      numbers[at + 2 + n * 3] = upper[n] as number;
      numbers[at + 3 + n * 3] = lower[n] as number;
    }
  }
}

// It never comes back to its event loop: it sleeps in here, wakes in microseconds, and ends when it is terminated.
for (let { seen } = setup; ; ) {
  Atomics.wait(words, board.scan, seen);
  seen = Atomics.load(words, board.scan);
  takeMessages();
  scan();
  Atomics.add(words, board.done, 1);
  Atomics.notify(words, board.done);
}
