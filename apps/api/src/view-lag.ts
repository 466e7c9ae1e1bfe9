import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import { Clock, EventStore, Feed, Views } from '#lib/ports';
import { TenantRound } from './tenant-round.js';

/** A view that is behind and has not moved for this long is not fed any more. */
const stallMs = 10_000;

/** How far a view has come with one tenant. */
interface Place {
  readonly reached: number;
  readonly behind: number;
  /** When it was last seen to move, or to have nothing to move for. */
  readonly movedAtMs: number;
  readonly seenAtMs: number;
}

/** How far the views are behind the log, of the tenants that this process follows. */
@Injectable()
export class ViewLag {
  private readonly round: TenantRound<ReadonlyMap<string, Place>>;

  constructor(
    private readonly store: EventStore,
    private readonly views: Views,
    private readonly feed: Feed,
    private readonly clock: Clock,
  ) {
    this.round = new TenantRound(
      () => store.tenants(),
      (tenant, before) => this.placesIn(tenant, before),
    );
  }

  /** By the name of each view, how many events it does not show yet, over the tenants. */
  async behind(): Promise<ReadonlyMap<string, number>> {
    const sums = new Map(this.views.all().map(({ name }) => [name, 0]));
    for (const places of (await this.round.ask()).values()) {
      for (const [view, { behind }] of places) sums.set(view, (sums.get(view) ?? 0) + behind);
    }
    return sums;
  }

  /** Names of the views that are behind in some tenant and, as far as calls saw, have come no further there for 10 s. */
  async stalled(): Promise<readonly string[]> {
    const stalled = [...(await this.round.ask()).values()].flatMap((places) =>
      [...places].filter(([, place]) => isStalled(place)).map(([view]) => view),
    );
    return [...new Set(stalled)];
  }

  private async placesIn(tenant: TenantId, before?: ReadonlyMap<string, Place>) {
    if (!this.feed.feeds(tenant)) return undefined;
    const head = await this.store.head(tenant);
    const places = new Map<string, Place>();
    for (const view of this.views.all()) {
      const reached = await view.position(tenant);
      places.set(view.name, placeAt(reached, head, this.clock.now().getTime(), before?.get(view.name)));
    }
    return places;
  }
}

/** It has stood still only if it was behind before as well: one that was not had nothing to do until now. */
function placeAt(reached: number, head: number, nowMs: number, before: Place | undefined): Place {
  const behind = Math.max(0, head - reached);
  const stands = before !== undefined && before.behind > 0 && before.reached === reached;
  return { reached, behind, movedAtMs: behind > 0 && stands ? before.movedAtMs : nowMs, seenAtMs: nowMs };
}

const isStalled = ({ behind, movedAtMs, seenAtMs }: Place) => behind > 0 && seenAtMs - movedAtMs >= stallMs;
