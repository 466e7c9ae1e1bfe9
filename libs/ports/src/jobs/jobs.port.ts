import { Fault, type TenantId } from '#lib/core';

/** Work to be done at a time. It names things by id and holds no more: a queue is nobody's vault. */
export interface Job {
  readonly kind: string;
  readonly tenant: TenantId;
  /** What the work is about; with kind and tenant it names the job, so that one asked for twice is done once. */
  readonly subject: string;
}

/** The queue cannot be reached. Nothing that must happen depends on it: go on without. */
export class JobsUnavailable extends Fault {
  override readonly name = 'JobsUnavailable';
}

/**
 * Delayed work, and only ever a hint: a job may be lost, late or repeated, so whatever must happen is also found by a
 * sweep over the truth (P8), and every handler may run again.
 */
export abstract class Jobs {
  /** Who does jobs of a kind. One handler for each kind. A failing one is called again later, with growing pauses. */
  abstract handle(kind: string, handler: (job: Job) => Promise<void>): void;

  /**
   * Asks for a job at `at`, or as soon as can be if that is past. Asking again moves it.
   * @throws JobsUnavailable within a second where the queue is elsewhere and out of reach; so do `cancel` and `waiting`
   */
  abstract schedule(job: Job, at: Date): Promise<void>;

  /** Takes a job back that has not begun; nothing where there is none. */
  abstract cancel(job: Job): Promise<void>;

  /** How many wait, at most: for metrics. */
  abstract waiting(): Promise<number>;

  /** Begins no more jobs; resolves when none is running. */
  abstract close(): Promise<void>;
}
