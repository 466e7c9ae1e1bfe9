import { Logger } from '@nestjs/common';
import { type Clock, type Job, Jobs } from '#lib/ports';
import { DueQueue } from './due-queue.js';

const runningMax = 8;
const retryMinMs = 1_000;
const retryMaxMs = 5 * 60_000;
/** What a timer can wait at most is 24.8 days; nothing is lost by looking earlier. */
const napMaxMs = 24 * 3_600_000;
/** More than a sweep finds anyway need not be remembered. */
const waitingMax = 100_000;

type Handler = (job: Job) => Promise<void>;

interface Waiting {
  readonly name: string;
  readonly job: Job;
  readonly atMs: number;
  readonly failures: number;
}

/** Jobs in memory, on a timer: lost with the process, as a hint may be. At most 8 run at once, and none beside itself. */
export class TimerJobs extends Jobs {
  private readonly log = new Logger(TimerJobs.name);
  private readonly handlers = new Map<string, Handler>();
  /** What counts, by name. What the queue holds besides was moved or taken back meanwhile. */
  private readonly jobs = new Map<string, Waiting>();
  private readonly queue = new DueQueue<Waiting>();
  private readonly running = new Map<string, Promise<void>>();
  private nap: { readonly untilMs: number; readonly ending: AbortController } | undefined;
  private closed = false;

  constructor(private readonly clock: Clock) {
    super();
  }

  handle(kind: string, handler: Handler): void {
    if (this.handlers.has(kind)) throw new Error(`there are two handlers of ${kind}`);
    this.handlers.set(kind, handler);
    // Those that came due before somebody did them are in the queue no more.
    this.queue.keep(this.jobs.values());
    this.look();
  }

  async schedule(job: Job, at: Date): Promise<void> {
    const name = nameOf(job);
    if (this.closed || (this.jobs.size >= waitingMax && !this.jobs.has(name))) return;
    this.await({ name, job, atMs: at.getTime(), failures: 0 });
    this.look();
  }

  async cancel(job: Job): Promise<void> {
    this.jobs.delete(nameOf(job));
  }

  async waiting(): Promise<number> {
    return this.jobs.size;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.nap?.ending.abort();
    await Promise.all(this.running.values());
  }

  private await(waiting: Waiting): void {
    this.jobs.set(waiting.name, waiting);
    this.queue.push(waiting);
    if (this.queue.size > 2 * this.jobs.size + 1_000) this.queue.keep(this.jobs.values());
  }

  /** Starts what is due, as far as there is room, and looks again when the next one is. */
  private look(): void {
    const nowMs = this.clock.now().getTime();
    for (let { first } = this.queue; first && !this.closed; { first } = this.queue) {
      if (this.jobs.get(first.name) === first) {
        // Whoever ends looks again.
        if (this.running.size >= runningMax) return;
        if (first.atMs > nowMs) break;
        this.start(first);
      }
      this.queue.shift();
    }
    const { first } = this.queue;
    if (first && !this.closed) this.napUntil(first.atMs, nowMs);
  }

  private napUntil(untilMs: number, nowMs: number): void {
    if (this.nap && this.nap.untilMs <= untilMs) return;
    this.nap?.ending.abort();
    const ending = new AbortController();
    this.nap = { untilMs, ending };
    void this.clock.sleep(Math.min(untilMs - nowMs, napMaxMs), ending.signal).then(() => {
      if (ending.signal.aborted) return;
      this.nap = undefined;
      this.look();
    });
  }

  /** Nothing where nobody does it yet, or while the same job still runs: both look again. */
  private start(waiting: Waiting): void {
    const { name, job } = waiting;
    const handler = this.handlers.get(job.kind);
    if (!handler || this.running.has(name)) return;
    this.jobs.delete(name);
    this.running.set(name, this.run(waiting, handler));
  }

  private async run(waiting: Waiting, handler: Handler): Promise<void> {
    const { name, job, failures } = waiting;
    let again: Waiting | undefined;
    try {
      // Whoever asked for the job goes on first.
      await Promise.resolve(job).then(handler);
    } catch (error) {
      const pauseMs = Math.min(retryMinMs * 2 ** failures, retryMaxMs);
      this.log.warn(`a job of kind ${job.kind} failed, next try in ${pauseMs} ms: ${(error as Error)?.name}`);
      again = { name, job, atMs: this.clock.now().getTime() + pauseMs, failures: failures + 1 };
    }
    this.running.delete(name);
    // It may have been asked for again meanwhile, which is in the queue no more if its time has come.
    const next = this.jobs.get(name) ?? again;
    if (next && !this.closed) this.await(next);
    this.look();
  }
}

const nameOf = ({ kind, tenant, subject }: Job) => `${kind} ${tenant} ${subject}`;
