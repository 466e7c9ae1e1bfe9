import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import { EventStore, type StoredEvent } from '#lib/ports';

const pageMax = 500;

/** The log of a tenant up to a position: what every report is made from, so that the same position makes the same report (P11). */
@Injectable()
export class LogPages {
  constructor(private readonly store: EventStore) {}

  head(tenant: TenantId): Promise<number> {
    return this.store.head(tenant);
  }

  /** Page after page, at most `pageMax` events in memory, and others have their turn in between. */
  async *upTo(tenant: TenantId, position: number): AsyncGenerator<readonly StoredEvent[]> {
    for (let after = 0; after < position; ) {
      const page = await this.store.readLog(tenant, after, Math.min(pageMax, position - after));
      const last = page.at(-1);
      if (!last) return;
      yield page;
      after = last.sequence;
      await setImmediate();
    }
  }
}
