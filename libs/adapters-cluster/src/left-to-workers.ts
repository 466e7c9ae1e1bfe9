import type { TenantId } from '#lib/core';
import { Feed, type Job, Jobs } from '#lib/ports';

/** The feed of a process that follows nothing: workers keep the views. */
export class FeedOfWorkers extends Feed {
  /** @throws always: whoever follows belongs into a worker */
  override async follow({ name }: { readonly name: string }): Promise<void> {
    throw new Error(`${name} cannot be followed here: workers follow`);
  }

  override feeds(_tenant: TenantId): boolean {
    return false;
  }

  override async close(): Promise<void> {}
}

/** The jobs of a process that asks for work and leaves it to workers. */
export class JobsForWorkers extends Jobs {
  constructor(private readonly jobs: Jobs) {
    super();
  }

  /** Workers have the same handler. */
  override handle(): void {}

  override schedule(job: Job, at: Date): Promise<void> {
    return this.jobs.schedule(job, at);
  }

  override cancel(job: Job): Promise<void> {
    return this.jobs.cancel(job);
  }

  override waiting(): Promise<number> {
    return this.jobs.waiting();
  }

  override close(): Promise<void> {
    return this.jobs.close();
  }
}
