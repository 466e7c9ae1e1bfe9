import type { TenantId } from '#lib/core';
import { type Commit, EventStore, RevisionConflict, type StoredEvent } from '#lib/ports';
import type { Metrics } from './metrics.js';

/** A store that tells how long its appends take, and what comes of them. */
export class MeasuredStore extends EventStore {
  constructor(
    private readonly store: EventStore,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  override async append(commit: Commit): Promise<number> {
    const tell = this.metrics.appends.startTimer();
    try {
      const sequence = await this.store.append(commit);
      tell({ outcome: 'stored' });
      this.metrics.events.inc(commit.events.length);
      return sequence;
    } catch (error) {
      tell({ outcome: error instanceof RevisionConflict ? 'conflict' : 'fault' });
      throw error;
    }
  }

  override readMany(tenant: TenantId, streams: readonly string[]): Promise<readonly (readonly StoredEvent[])[]> {
    return this.store.readMany(tenant, streams);
  }

  override readLog(tenant: TenantId, after: number, limit: number): Promise<readonly StoredEvent[]> {
    return this.store.readLog(tenant, after, limit);
  }

  override head(tenant: TenantId): Promise<number> {
    return this.store.head(tenant);
  }

  override tenants(): Promise<readonly TenantId[]> {
    return this.store.tenants();
  }
}
