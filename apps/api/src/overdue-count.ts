import { Injectable } from '@nestjs/common';
import { Clock, EventStore, Feed } from '#lib/ports';
import { OverdueTemplates } from '#lib/retention/contract';
import { TenantRound } from './tenant-round.js';

/** How many templates are kept longer than they may be, of the tenants that this process follows. */
@Injectable()
export class OverdueCount {
  private readonly round: TenantRound<number>;

  constructor(store: EventStore, feed: Feed, overdue: OverdueTemplates, clock: Clock) {
    this.round = new TenantRound(
      () => store.tenants(),
      async (tenant) => (feed.feeds(tenant) ? overdue.count(tenant, clock.now()) : undefined),
    );
  }

  async count(): Promise<number> {
    return [...(await this.round.ask()).values()].reduce((sum, late) => sum + late, 0);
  }
}
