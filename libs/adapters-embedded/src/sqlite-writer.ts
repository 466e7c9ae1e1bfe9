import { Worker } from 'node:worker_threads';
import { StoreUnavailable } from '#lib/ports';
import type { StatementRow, Statements, WriterFailure, WriterSetup } from './writer-protocol.js';

const waitingMax = 10_000;

/** SQLite's primary result codes by which the world fails; all others mean that we asked for something wrong. */
const worldly: Readonly<Record<number, string>> = {
  5: 'another process is writing to it: one process at a time may hold the data folder',
  7: 'there is no memory left',
  8: 'it cannot be written: see to the permissions of the file and its folder',
  10: 'reading or writing it failed: see to the disk',
  11: 'it is damaged: stop, keep a copy of it, and restore a backup',
  13: 'the disk is full: nothing was stored; make room, then it goes on by itself',
  14: 'it cannot be opened: see to the permissions of the file and its folder, and to open files',
  26: 'it is no database: stop, keep a copy of it, and restore a backup',
};

/** What the error of a connection means to the caller: StoreUnavailable where trying again later may help. */
export function sqliteFault(file: string, message: string, errcode: number | undefined): Error {
  const reason = worldly[(errcode ?? 0) & 0xff];
  const cause = Object.assign(new Error(message), { errcode });
  return reason ? new StoreUnavailable(`${file}: ${reason}`, { cause }) : cause;
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The only writer of one SQLite file, in a thread of its own: no fsync ever keeps the event loop waiting.
 *
 * Units that arrive together share one transaction and one fsync: the busier, the cheaper each one. They are carried
 * out in the order they came, each sees those before it, and one unit's failure is never another's.
 * Durable: what was answered survives a crash, and a statement begun after the answer sees it on any connection.
 * The thread starts with the first unit, and anew after it died. It keeps the process alive only while units wait.
 */
export class SqliteWriter<Unit = Statements, Answer = readonly StatementRow[]> {
  private worker: Worker | undefined;
  /** Units for the next message, and who waits for an answer: first those sent, in order, then those of `batch`. */
  private batch: unknown[] = [];
  private waiting: Waiting[] = [];
  private answered = 0;
  private ended: Promise<void> | undefined;

  /** `program` names the module `<program>.program` beside this one. */
  constructor(
    private readonly setup: WriterSetup,
    private readonly program: 'statements' | 'events' | 'records' = 'statements',
  ) {}

  /**
   * Stores a unit; for statements the answer is the rows of the last one.
   * @throws StoreUnavailable when it is full, closed or broken: whether the unit was stored is unknown
   */
  run(unit: Unit): Promise<Answer> {
    return new Promise((resolve, reject) => this.submit(unit, resolve, reject));
  }

  /** As `run`, without a promise; `reject` may be called at once. */
  submit(unit: Unit, resolve: (answer: Answer) => void, reject: (error: Error) => void): void {
    if (this.ended) reject(new StoreUnavailable('the store is closed'));
    else if (this.waiting.length - this.answered >= waitingMax) {
      reject(new StoreUnavailable('too many appends are waiting'));
    } else this.send(unit, { resolve, reject });
  }

  /**
   * Moves the write-ahead log into the database and empties it: what was deleted before, under `secure_delete`, is
   * then in neither file. Waits up to 5 s for readers.
   * @throws StoreUnavailable when it could not be done: do it again
   */
  checkpoint(): Promise<void> {
    return new Promise((resolve, reject) => this.submit('checkpoint' as Unit, () => resolve(), reject));
  }

  /** Stores what waits, checkpoints, ends the thread. Takes nothing from now on. */
  close(): Promise<void> {
    this.ended ??= this.end();
    return this.ended;
  }

  private async end(): Promise<void> {
    if (!this.worker && this.waiting.length === 0) return;
    await new Promise<void>((resolve) => this.send('close', { resolve, reject: () => resolve() }));
    await this.worker?.terminate();
  }

  private send(unit: unknown, waiting: Waiting): void {
    this.waiting.push(waiting);
    // One message for all that this turn of the event loop brings.
    if (this.batch.push(unit) === 1) setImmediate(() => this.flush());
  }

  private flush(): void {
    this.worker ??= this.start();
    this.worker.ref();
    const { batch } = this;
    this.batch = [];
    try {
      this.worker.postMessage(batch);
    } catch (error) {
      // Something in one of them cannot cross over. Nothing was sent, and which one it was is not said.
      this.sendApart(batch, error as Error);
    }
  }

  private sendApart(batch: readonly unknown[], cause: Error): void {
    const waiting = this.waiting.splice(this.waiting.length - batch.length);
    batch.forEach((unit, n) => {
      const own = waiting[n] as Waiting;
      try {
        this.worker?.postMessage([unit]);
        this.waiting.push(own);
      } catch {
        own.reject(cause);
      }
    });
  }

  private start(): Worker {
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const program = new URL(`./${this.program}.program.${ending}`, import.meta.url).href;
    const worker = new Worker(new URL(`./sqlite-writer.worker.${ending}`, import.meta.url), {
      workerData: { ...this.setup, program },
    });
    worker.on('message', (answers: unknown[]) => this.answer(answers));
    worker.once('error', (error) => this.died(worker, error));
    worker.once('exit', () => this.died(worker, new Error('the thread ended')));
    return worker;
  }

  private answer(answers: readonly unknown[]): void {
    for (const answer of answers) {
      const { resolve, reject } = this.waiting[this.answered++] as Waiting;
      if (isFailure(answer)) reject(sqliteFault(this.setup.file, answer.failed, answer.errcode));
      else resolve(answer as never);
    }
    if (this.answered === this.waiting.length) {
      this.waiting = [];
      this.answered = 0;
      this.worker?.unref();
    } else if (this.answered >= waitingMax) {
      this.waiting = this.waiting.slice(this.answered);
      this.answered = 0;
    }
  }

  /** Whether what it was given is stored is unknown. Units not yet sent go to the next thread. */
  private died(worker: Worker, cause: Error): void {
    if (this.worker !== worker) return;
    this.worker = undefined;
    const lost = this.waiting.slice(this.answered, this.waiting.length - this.batch.length);
    this.waiting = this.waiting.slice(this.waiting.length - this.batch.length);
    this.answered = 0;
    for (const { reject } of lost) {
      reject(new StoreUnavailable(`${this.setup.file}: its writer ended: append the same again`, { cause }));
    }
  }
}

const isFailure = (answer: unknown): answer is WriterFailure =>
  typeof answer === 'object' && answer !== null && 'failed' in answer;
