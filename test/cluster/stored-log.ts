import type { TenantId } from '#lib/core';
import type { EventStore, StoredEvent } from '#lib/ports';

const pageMax = 1_000;

/** A tenant's log as it lies in a store, whole and in order. */
export async function logIn(store: EventStore, tenant: TenantId): Promise<StoredEvent[]> {
  const log: StoredEvent[] = [];
  for (;;) {
    const page = await store.readLog(tenant, log.at(-1)?.sequence ?? 0, pageMax);
    log.push(...page);
    if (page.length < pageMax) return log;
  }
}
