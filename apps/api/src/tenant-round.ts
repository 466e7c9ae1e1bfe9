import type { TenantId } from '#lib/core';

const tenantsMax = 100;
const lanes = 8;

/**
 * Looks something up for each tenant, at most 100 of them a time, in turn: with more, what is told of a tenant is what was
 * seen when its turn came last. So whoever asks, however often, costs the store no storm of queries.
 */
export class TenantRound<Seen> {
  private seen = new Map<TenantId, Seen>();
  private last = '';
  private looking: Promise<ReadonlyMap<TenantId, Seen>> | undefined;

  constructor(
    private readonly tenants: () => Promise<readonly TenantId[]>,
    private readonly look: (tenant: TenantId, before: Seen | undefined) => Promise<Seen | undefined>,
  ) {}

  /** By tenant what was seen last, some of it just now. One look at a time: whoever asks meanwhile shares it. */
  ask(): Promise<ReadonlyMap<TenantId, Seen>> {
    this.looking ??= this.next().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async next(): Promise<ReadonlyMap<TenantId, Seen>> {
    const tenants = [...(await this.tenants())].sort();
    this.seen = new Map(tenants.flatMap((tenant) => pairOf(tenant, this.seen.get(tenant))));
    const from = tenants.findIndex((tenant) => tenant > this.last);
    const turn = [...tenants.slice(Math.max(0, from)), ...tenants.slice(0, Math.max(0, from))].slice(0, tenantsMax);
    const waiting = turn.values();
    await Promise.all(Array.from({ length: lanes }, () => this.lookAt(waiting)));
    this.last = turn.at(-1) ?? '';
    return this.seen;
  }

  private async lookAt(waiting: IterableIterator<TenantId>): Promise<void> {
    for (const tenant of waiting) {
      const now = await this.look(tenant, this.seen.get(tenant));
      if (now === undefined) this.seen.delete(tenant);
      else this.seen.set(tenant, now);
    }
  }
}

const pairOf = <Seen>(tenant: TenantId, seen: Seen | undefined): [TenantId, Seen][] =>
  seen === undefined ? [] : [[tenant, seen]];
