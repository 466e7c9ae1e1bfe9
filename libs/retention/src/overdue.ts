import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import { Documents } from '#lib/ports';
import { DueView, dueIn, type Kept } from './due.view.js';

const pageMax = 500;
const countMax = 100_000;

/** How much is late: for figures and alarms, which need a number and no list. */
@Injectable()
export class OverdueTemplates {
  constructor(
    private readonly view: DueView,
    private readonly documents: Documents,
  ) {}

  /** Templates that were due before `now` and whose erasure has not begun, as the view knows; 100,000 at most. */
  async count(tenant: TenantId, now: Date): Promise<number> {
    const below = now.toISOString();
    let count = 0;
    let after: { key: string; id: string } | undefined;
    while (count < countMax) {
      const range = { from: '', below, limit: pageMax, ...(after && { after }) };
      const page = await this.documents.range<Kept>(tenant, this.view.name, range);
      for (const { body } of page) count += dueIn(body).filter(({ dueAt }) => dueAt < below).length;
      const last = page.at(-1);
      if (!last || page.length < pageMax) break;
      after = { key: last.key, id: last.id };
    }
    return Math.min(count, countMax);
  }
}
