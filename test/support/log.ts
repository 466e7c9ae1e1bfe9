import { LogAudit } from '#lib/audit';
import { TenantId } from '#lib/core';
import { EventStore, type StoredEvent } from '#lib/ports';
import type { TestApi } from './api.js';

const pageMax = 1_000;

/** What a tenant's log holds after the place `after`, in order. */
export async function logOf(api: TestApi, tenant: string, after = 0): Promise<StoredEvent[]> {
  const store = api.app.get(EventStore);
  const events: StoredEvent[] = [];
  for (;;) {
    const page = await store.readLog(TenantId.parse(tenant), events.at(-1)?.sequence ?? after, pageMax);
    events.push(...page);
    if (page.length < pageMax) return events;
  }
}

/** How often each type of fact stands among these. */
export function countsOf(events: readonly StoredEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

/** What stands in the whole log against P1 and P2, and how much of it was looked at. */
export async function auditOf(api: TestApi, tenant: string) {
  const audit = new LogAudit();
  const violations = (await logOf(api, tenant)).flatMap((event) => audit.add(event));
  return { violations, ...audit.looked() };
}
