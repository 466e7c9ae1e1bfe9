import type { TenantId } from '#lib/core';

/** Tenants that may have something to publish, each once, in the order in which they were named. */
export class RelayQueue {
  private readonly waiting = new Set<TenantId>();
  private arrival = Promise.withResolvers<void>();

  add(tenant: TenantId): void {
    this.waiting.add(tenant);
    this.arrival.resolve();
  }

  /** At most so many of those for whom `isReady`, no longer in it from then on. */
  take(max: number, isReady: (tenant: TenantId) => boolean): TenantId[] {
    const taken: TenantId[] = [];
    for (const tenant of this.waiting) {
      if (taken.length >= max) break;
      if (!isReady(tenant)) continue;
      taken.push(tenant);
    }
    for (const tenant of taken) this.waiting.delete(tenant);
    return taken;
  }

  /** Resolves once somebody is named after this was called. */
  async arrived(): Promise<void> {
    this.arrival = Promise.withResolvers<void>();
    await this.arrival.promise;
  }

  /** Lets whoever waits look again. */
  stir(): void {
    this.arrival.resolve();
  }

  all(): readonly TenantId[] {
    return [...this.waiting];
  }
}
