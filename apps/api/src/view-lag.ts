import { Injectable } from '@nestjs/common';
import { Clock, EventStore, Views } from '#lib/ports';

/** A view that is behind and has not moved for this long is not fed any more. */
const stallMs = 10_000;

/** Sums over all tenants. */
interface Progress {
  readonly reached: number;
  readonly behind: number;
}

/** How far the views are behind the log. */
@Injectable()
export class ViewLag {
  private readonly moved = new Map<string, { readonly reached: number; readonly atMs: number }>();

  constructor(
    private readonly store: EventStore,
    private readonly views: Views,
    private readonly clock: Clock,
  ) {}

  /** By the name of each view, how many events it does not show yet. */
  async behind(): Promise<ReadonlyMap<string, number>> {
    return new Map([...(await this.progress())].map(([view, { behind }]) => [view, behind]));
  }

  /** Names of the views that are behind and, as far as earlier calls saw, have come no further for 10 s. */
  async stalled(): Promise<readonly string[]> {
    const nowMs = this.clock.now().getTime();
    const stalled: string[] = [];
    for (const [view, { reached, behind }] of await this.progress()) {
      const before = this.moved.get(view);
      if (behind === 0 || !before || reached !== before.reached) this.moved.set(view, { reached, atMs: nowMs });
      else if (nowMs - before.atMs >= stallMs) stalled.push(view);
    }
    return stalled;
  }

  private async progress(): Promise<ReadonlyMap<string, Progress>> {
    const sums = new Map<string, Progress>();
    for (const tenant of await this.store.tenants()) {
      const head = await this.store.head(tenant);
      for (const view of this.views.all()) {
        const at = await view.position(tenant);
        const { reached, behind } = sums.get(view.name) ?? { reached: 0, behind: 0 };
        sums.set(view.name, { reached: reached + at, behind: behind + Math.max(0, head - at) });
      }
    }
    return sums;
  }
}
