import { Logger } from '@nestjs/common';
import { type Clock, type Job, Jobs } from '#lib/ports';

const runningMax = 8;
const retryMinMs = 1_000;
const retryMaxMs = 5 * 60_000;
/** What a timer can wait at most is 24.8 days; nothing is lost by looking earlier. */
const napMaxMs = 24 * 3_600_000;
/** More than a sweep finds anyway need not be remembered. */
const waitingMax = 100_000;

interface Waiting {
  readonly job: Job;
  readonly atMs: number;
  readonly failures: number;
}

/** Jobs in memory, on timers: lost with the process, as a hint may be. */
export class TimerJobs extends Jobs {
  private readonly log = new Logger(TimerJobs.name);
  private readonly handlers = new Map<string, (job: Job) => Promise<void>>();
  private readonly jobs = new Map<string, Waiting>();
  private readonly running = new Set<Promise<void>>();
  private readonly closing = new AbortController();
  private nap: AbortController | undefined;
  private looking: Promise<void> | undefined;

  constructor(private readonly clock: Clock) {
    super();
  }

  handle(kind: string, handler: (job: Job) => Promise<void>): void {
    if (this.handlers.has(kind)) throw new Error(`there are two handlers of ${kind}`);
    this.handlers.set(kind, handler);
    this.look();
  }

  async schedule(job: Job, at: Date): Promise<void> {
    const name = nameOf(job);
    if (this.closing.signal.aborted || (this.jobs.size >= waitingMax && !this.jobs.has(name))) return;
    this.jobs.set(name, { job, atMs: at.getTime(), failures: 0 });
    this.look();
  }

  async cancel(job: Job): Promise<void> {
    this.jobs.delete(nameOf(job));
  }

  async waiting(): Promise<number> {
    return this.jobs.size;
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.nap?.abort();
    await this.looking;
    await Promise.all(this.running);
  }

  /** Wakes whoever waits for the next job: there may be an earlier one now. */
  private look(): void {
    this.nap?.abort();
    this.looking ??= this.run().finally(() => {
      this.looking = undefined;
    });
  }

  private async run(): Promise<void> {
    while (!this.closing.signal.aborted) {
      const nap = new AbortController();
      this.nap = nap;
      const waitMs = this.startDue();
      if (waitMs === undefined) return;
      await this.clock.sleep(Math.min(waitMs, napMaxMs), nap.signal);
    }
  }

  /** Starts what is due, as far as there is room; answers how long the next one has to wait, undefined for none. */
  private startDue(): number | undefined {
    const nowMs = this.clock.now().getTime();
    let nextMs: number | undefined;
    for (const [name, waiting] of this.jobs) {
      const handler = this.handlers.get(waiting.job.kind);
      if (!handler) continue;
      if (waiting.atMs <= nowMs && this.running.size < runningMax) {
        this.jobs.delete(name);
        this.start(name, waiting, handler);
      } else if (waiting.atMs > nowMs) nextMs = Math.min(nextMs ?? waiting.atMs, waiting.atMs);
    }
    return nextMs === undefined ? undefined : nextMs - nowMs;
  }

  private start(name: string, { job, failures }: Waiting, handler: (job: Job) => Promise<void>): void {
    const work = handler(job)
      .catch((error: unknown) => {
        const pauseMs = Math.min(retryMinMs * 2 ** failures, retryMaxMs);
        this.log.warn(`a job of kind ${job.kind} failed, next try in ${pauseMs} ms: ${(error as Error)?.name}`);
        const again = { job, atMs: this.clock.now().getTime() + pauseMs, failures: failures + 1 };
        if (!this.jobs.has(name) && !this.closing.signal.aborted) this.jobs.set(name, again);
      })
      .finally(() => {
        this.running.delete(work);
        if (!this.closing.signal.aborted) this.look();
      });
    this.running.add(work);
  }
}

const nameOf = ({ kind, tenant, subject }: Job) => `${kind} ${tenant} ${subject}`;
