import { type Job as BullJob, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { TenantId } from '#lib/core';
import type { Job } from '#lib/ports';

/** Some years away BullMQ's scores lose milliseconds, then everything: a job that is later wakes meanwhile, and waits on. */
const delayMaxMs = 7 * 86_400_000;
/** How many dead letters of a kind are kept, the newest. */
const deadMax = 1_000;
const eventsMax = 100;

/** What lies in Redis of a job: ids and a time. */
export interface Asked {
  readonly tenant: string;
  readonly subject: string;
  readonly atMs: number;
}

/** A job that was given up after its last attempt. It stays until it is asked for again, or taken back. */
export interface DeadLetter extends Job {
  readonly attempts: number;
  /** When it was given up. */
  readonly since: Date;
  /** The name of the last error. What an error says may hold anything, and is not kept. */
  readonly error: string;
}

export interface QueuePlace {
  readonly redis: Redis;
  readonly prefix: string;
  readonly attemptsMax: number;
}

/** How long BullMQ can be asked to wait for what is due in `leftMs`. */
export const delayOf = (leftMs: number): number => Math.min(Math.max(leftMs, 0), delayMaxMs);

/** The jobs of one kind, in Redis. A job has one place there, named after tenant and subject. Calls reject as Redis does. */
export class BullQueue {
  private constructor(
    private readonly kind: string,
    private readonly queue: Queue<Asked>,
    private readonly place: QueuePlace,
  ) {}

  /** Nothing is left of one that could not be opened. */
  static async open(kind: string, place: QueuePlace): Promise<BullQueue> {
    const queue = new Queue<Asked>(kind, {
      connection: place.redis,
      prefix: place.prefix,
      streams: { events: { maxLen: eventsMax } },
    });
    // Whoever called hears of it; without a listener it would end the process.
    queue.on('error', () => undefined);
    await queue.waitUntilReady();
    return new BullQueue(kind, queue, place);
  }

  /** Of a job as it lies in Redis, whoever wrote it there. */
  jobOf({ tenant, subject }: Asked): Job {
    return { kind: this.kind, tenant: TenantId.parse(tenant), subject: String(subject) };
  }

  /** As it waits already, nothing; where it waits otherwise, or is a dead letter, anew; where it runs, once more after. */
  async put(job: Job, atMs: number, nowMs: number): Promise<void> {
    const id = idOf(job);
    const known = await this.queue.getJob(id);
    if (known && isUntouched(known) && known.data.atMs === atMs) return;
    if (known && !(await this.free(id))) {
      await this.place.redis.hset(this.againKey, id, atMs);
      // Ended meanwhile, it may have been looked for before this was written; running still, it is looked for later.
      if (!(await this.free(id))) return;
      await this.place.redis.hdel(this.againKey, id);
    }
    const { tenant, subject } = job;
    const options = {
      jobId: id,
      delay: delayOf(atMs - nowMs),
      attempts: this.place.attemptsMax,
      backoff: { type: 'growing' },
      removeOnComplete: true,
      removeOnFail: { count: deadMax },
      stackTraceLimit: 0,
    };
    await Promise.all([
      this.queue.add('job', { tenant, subject, atMs }, options),
      this.place.redis.sadd(kindsKey(this.place.prefix), this.kind),
    ]);
  }

  async take(job: Job): Promise<void> {
    const id = idOf(job);
    await this.place.redis.hdel(this.againKey, id);
    await this.free(id);
  }

  /** When a job that ran was asked for meanwhile; that is answered once. */
  async takeAgain(job: Job): Promise<number | undefined> {
    const id = idOf(job);
    const [[, atMs] = []] =
      (await this.place.redis.multi().hget(this.againKey, id).hdel(this.againKey, id).exec()) ?? [];
    return typeof atMs === 'string' ? Number(atMs) : undefined;
  }

  async waiting(): Promise<number> {
    const [queued, again] = await Promise.all([
      this.queue.getJobCountByTypes('waiting', 'delayed', 'prioritized'),
      this.place.redis.hlen(this.againKey),
    ]);
    return queued + again;
  }

  deadCount(): Promise<number> {
    return this.queue.getFailedCount();
  }

  /** The newest first. */
  async dead(limit: number): Promise<DeadLetter[]> {
    const failed = await this.queue.getFailed(0, limit - 1);
    return failed.map(({ data, attemptsMade, finishedOn, failedReason }) => ({
      ...this.jobOf(data),
      attempts: attemptsMade,
      since: new Date(finishedOn ?? 0),
      error: failedReason,
    }));
  }

  close(): Promise<void> {
    return this.queue.close();
  }

  private get againKey(): string {
    return `${this.place.prefix}-again:${this.kind}`;
  }

  /** Whether its place is empty now. It is not while somebody does it. */
  private async free(id: string): Promise<boolean> {
    return (await this.queue.remove(id)) === 1;
  }
}

/** The kinds that were ever asked for, by whatever process. */
export const kindsKey = (prefix: string): string => `${prefix}-kinds`;

/** BullMQ allows no colon, and takes a number for one of its own. */
const idOf = ({ tenant, subject }: Job): string => `${encodeURIComponent(tenant)}/${encodeURIComponent(subject)}`;

/** Nobody tried it yet. */
const isUntouched = ({ attemptsMade, processedOn, finishedOn }: BullJob<Asked>): boolean =>
  attemptsMade === 0 && processedOn === undefined && finishedOn === undefined;
