import type { TenantId } from '#lib/core';
import { type Commit, EventStore, type KeyService, KeysUnavailable, type StoredEvent } from '#lib/ports';

/**
 * A store in which a tenant without keys is neither read nor written: it is on its way in from elsewhere, its history not
 * whole yet, and nobody may be shown it or decide on it. Whoever is registered here has keys before the first fact.
 */
export class KeyedStore extends EventStore {
  /** Tenants that have keys, which they never lose. */
  private readonly keyed = new Set<TenantId>();

  constructor(
    private readonly store: EventStore,
    private readonly keys: KeyService,
  ) {
    super();
  }

  /** @throws KeysUnavailable as every other call, for a tenant that is not in use here */
  override async append(commit: Commit): Promise<number> {
    if (!this.keyed.has(commit.tenant)) await this.assertKeys(commit.tenant);
    return this.store.append(commit);
  }

  override async readMany(tenant: TenantId, streams: readonly string[]): Promise<readonly (readonly StoredEvent[])[]> {
    if (!this.keyed.has(tenant)) await this.assertReadable(tenant);
    return this.store.readMany(tenant, streams);
  }

  override async readLog(tenant: TenantId, after: number, limit: number): Promise<readonly StoredEvent[]> {
    if (!this.keyed.has(tenant)) await this.assertReadable(tenant);
    return this.store.readLog(tenant, after, limit);
  }

  override head(tenant: TenantId): Promise<number> {
    return this.store.head(tenant);
  }

  override tenants(): Promise<readonly TenantId[]> {
    return this.store.tenants();
  }

  private async assertKeys(tenant: TenantId): Promise<void> {
    await this.keys.generations(tenant);
    this.keyed.add(tenant);
  }

  /** Of a tenant that is nowhere there is nothing to be read, and anybody may be told so. */
  private async assertReadable(tenant: TenantId): Promise<void> {
    try {
      await this.assertKeys(tenant);
    } catch (error) {
      if (!(error instanceof KeysUnavailable) || (await this.store.head(tenant)) > 0) throw error;
    }
  }
}
