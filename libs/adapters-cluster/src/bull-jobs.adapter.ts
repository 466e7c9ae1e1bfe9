import { Logger } from '@nestjs/common';
import { type Job as BullJob, DelayedError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { type Clock, type Job, Jobs, JobsUnavailable } from '#lib/ports';
import { type Asked, BullQueue, type DeadLetter, delayOf, kindsKey } from './bull-queue.js';
import type { RedisPlace } from './cluster-settings.js';
import { connected, openPatientRedis, openRedis } from './redis-connection.js';

const runningMax = 8;
const retryMinMs = 1_000;
const retryMaxMs = 5 * 60_000;
/** With the pauses between them that is three quarters of an hour. */
const attemptsMaxDefault = 16;
/** A job whose worker died is done again after the lock and one or two of these checks. */
const lockMs = 4_000;
const stalledCheckMs = 2_000;
const stallsMax = 16;
const closeMaxMs = 3_000;

type Handler = (job: Job) => Promise<void>;

export interface BullJobsParts {
  readonly redis: RedisPlace;
  /** What jobs are due by. */
  readonly clock: Clock;
  readonly ticks: Clock;
  /** How often a job is tried before it is a dead letter. */
  readonly attemptsMax?: number;
}

/** What a handler failed with, by name only: BullMQ keeps what errors say. */
class JobFailed extends Error {
  override readonly name = 'JobFailed';
}

/**
 * Jobs in Redis, by BullMQ: a queue for each kind, a worker where somebody does it, eight at once. A job that fails to the
 * last is kept as a dead letter until it is asked for again. A worker that dies leaves its jobs to the others within
 * seconds, so a job may run twice. All of it is lost with Redis, and asked for again by who knows what is due.
 */
export class BullJobs extends Jobs {
  /** Of this process, since it started. */
  readonly counts = { done: 0, failures: 0, deadLetters: 0, stalled: 0, unavailable: 0 };
  private readonly log = new Logger(BullJobs.name);
  private readonly redis: Redis;
  private readonly patient: Redis;
  private readonly prefix: string;
  private readonly queues = new Map<string, BullQueue>();
  private readonly workers = new Map<string, Worker<Asked>>();
  private readonly running = new Set<Promise<unknown>>();
  private closing: Promise<void> | undefined;

  private constructor(private readonly parts: BullJobsParts) {
    super();
    this.redis = openRedis(parts.redis, 'jobs');
    this.patient = openPatientRedis(parts.redis, 'job-workers');
    this.prefix = `${parts.redis.prefix}jobs`;
  }

  /** Waits a second at most for Redis: whoever asks meanwhile is told, and handlers begin when it is there. */
  static async open(parts: BullJobsParts): Promise<BullJobs> {
    const jobs = new BullJobs(parts);
    await connected(jobs.redis, parts.ticks);
    return jobs;
  }

  handle(kind: string, handler: Handler): void {
    if (this.workers.has(kind)) throw new Error(`there are two handlers of ${kind}`);
    const worker = new Worker<Asked>(kind, (asked, token) => this.track(this.work(kind, handler, asked, token)), {
      connection: this.patient,
      prefix: this.prefix,
      concurrency: runningMax,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      maxStalledCount: stallsMax,
      runRetryDelay: retryMinMs,
      settings: { backoffStrategy: (attempts) => Math.min(retryMinMs * 2 ** (attempts - 1), retryMaxMs) },
    });
    worker.on('completed', (asked) => {
      this.counts.done += 1;
      void this.track(this.again(kind, asked));
    });
    worker.on('failed', (asked) => {
      this.counts.failures += 1;
      if (!asked) return;
      if (asked.finishedOn !== undefined) this.counts.deadLetters += 1;
      void this.track(this.again(kind, asked));
    });
    worker.on('stalled', () => {
      this.counts.stalled += 1;
    });
    worker.on('error', (error) => {
      // That there is no connection is told once, by the connection; a worker tells it several times a second.
      if (this.patient.status === 'ready') this.log.warn(`a worker of ${kind}: ${error.name}`);
    });
    this.workers.set(kind, worker);
  }

  async schedule(job: Job, at: Date): Promise<void> {
    if (this.closing) return;
    await this.reach(async () => {
      const queue = await this.queueOf(job.kind);
      await queue.put(job, at.getTime(), this.nowMs());
    });
  }

  async cancel(job: Job): Promise<void> {
    await this.reach(async () => (await this.queueOf(job.kind)).take(job));
  }

  async waiting(): Promise<number> {
    const counts = await this.ofEach((queue) => queue.waiting());
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * How many were given up, of every kind and by whatever process, and of each kind the newest, `limit` of them.
   * @throws JobsUnavailable within a second
   */
  async deadLetters(limit: number): Promise<{ readonly count: number; readonly letters: readonly DeadLetter[] }> {
    const kinds = await this.ofEach(async (queue) => ({
      count: await queue.deadCount(),
      letters: await queue.dead(limit),
    }));
    return {
      count: kinds.reduce((sum, { count }) => sum + count, 0),
      letters: kinds.flatMap(({ letters }) => letters),
    };
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    const isThere = this.redis.status === 'ready';
    const all = (how: (worker: Worker<Asked>) => Promise<void>) =>
      Promise.allSettled([...this.workers.values()].map(how));
    const ended = isThere && all((worker) => worker.close());
    while (this.running.size > 0) await Promise.allSettled(this.running);
    const done = new AbortController();
    // Without Redis a worker that is asked politely waits for it.
    await Promise.race([ended || all((worker) => worker.close(true)), this.parts.ticks.sleep(closeMaxMs, done.signal)]);
    done.abort();
    await Promise.allSettled([...this.queues.values()].map((queue) => queue.close()));
    for (const redis of [this.redis, this.patient]) redis.disconnect();
  }

  private nowMs(): number {
    return this.parts.clock.now().getTime();
  }

  private track<T>(work: Promise<T>): Promise<T> {
    const tracked: Promise<unknown> = work.catch(() => undefined).finally(() => this.running.delete(tracked));
    this.running.add(tracked);
    return work;
  }

  /** Woken before its time, which may be years away, or while all ends, a job waits on. */
  private async work(kind: string, handler: Handler, asked: BullJob<Asked>, token?: string): Promise<void> {
    const leftMs = asked.data.atMs - this.nowMs();
    if (leftMs > 0 || this.closing) {
      await asked.moveToDelayed(this.parts.ticks.now().getTime() + delayOf(leftMs), token);
      throw new DelayedError();
    }
    try {
      await handler((await this.queueOf(kind)).jobOf(asked.data));
    } catch (error) {
      this.log.warn(`a job of kind ${kind} failed, attempt ${asked.attemptsMade + 1}: ${nameOf(error)}`);
      throw new JobFailed(nameOf(error));
    }
  }

  /** What was asked for while it ran. Lost where Redis is, as any hint may be. */
  private async again(kind: string, asked: BullJob<Asked>): Promise<void> {
    try {
      const queue = await this.queueOf(kind);
      const job = queue.jobOf(asked.data);
      const atMs = await queue.takeAgain(job);
      if (atMs !== undefined) await queue.put(job, atMs, this.nowMs());
    } catch (error) {
      this.log.warn(`whether a job of kind ${kind} was asked for again is not known: ${nameOf(error)}`);
    }
  }

  private async ofEach<T>(ask: (queue: BullQueue) => Promise<T>): Promise<T[]> {
    return this.reach(async () => {
      const kinds = new Set([...this.queues.keys(), ...(await this.redis.smembers(kindsKey(this.prefix)))]);
      return Promise.all([...kinds].map(async (kind) => ask(await this.queueOf(kind))));
    });
  }

  private async queueOf(kind: string): Promise<BullQueue> {
    const known = this.queues.get(kind);
    if (known) return known;
    const { redis, prefix } = this;
    const attemptsMax = this.parts.attemptsMax ?? attemptsMaxDefault;
    const queue = await BullQueue.open(kind, { redis, prefix, attemptsMax });
    this.queues.set(kind, queue);
    return queue;
  }

  private async reach<T>(work: () => Promise<T>): Promise<T> {
    try {
      // BullMQ itself waits for a connection, for ever.
      if (this.redis.status === 'ready') return await work();
    } catch (error) {
      this.log.warn(`the queue was not reached: ${nameOf(error)}`);
    }
    this.counts.unavailable += 1;
    throw new JobsUnavailable();
  }
}

/** What kind of error it was. Its text may hold anything, so it stays out of the log. */
const nameOf = (error: unknown): string =>
  error instanceof Object && 'name' in error ? String(error.name) : 'unknown';
