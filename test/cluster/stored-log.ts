import type { TenantId } from '#lib/core';
import type { EventStore, StoredEvent } from '#lib/ports';

const pageMax = 1_000;

/** A tenant's log as it lies in a store, whole and in order; or, where its beginning is known, with what came after that. */
export async function logIn(
  store: EventStore,
  tenant: TenantId,
  known: readonly StoredEvent[] = [],
): Promise<StoredEvent[]> {
  const log = [...known];
  for (;;) {
    const page = await store.readLog(tenant, log.at(-1)?.sequence ?? 0, pageMax);
    log.push(...page);
    if (page.length < pageMax) return log;
  }
}
