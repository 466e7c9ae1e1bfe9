import type { TenantId } from '#lib/core';
import type { StoredEvent } from '../event-store/event-store.port.js';
import type { Follower } from '../feed/feed.port.js';
import type { Documents } from './documents.port.js';

/** How much of the log may be looked through again after a stop, when nothing in it was for this follower. */
const unsavedMax = 1_000;

/**
 * Does something about facts, and keeps nothing of its own but its place in the log of each tenant, a position of
 * Documents under its name. A place is written down once what had to be done about all before it is durable; what is
 * done about a fact has to bear being done again, as after a stop in between.
 */
export abstract class ReactingFollower implements Follower {
  abstract readonly name: string;
  private readonly places = new Map<TenantId, { readonly taken: number; readonly saved: number }>();

  constructor(private readonly documents: Documents) {}

  async position(tenant: TenantId): Promise<number> {
    const known = this.places.get(tenant);
    if (known) return known.taken;
    const saved = await this.documents.position(tenant, this.name);
    this.places.set(tenant, { taken: saved, saved });
    return saved;
  }

  async take(events: readonly StoredEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    const position = await this.position(last.tenant);
    const fresh = events.filter(({ sequence }) => sequence > position);
    if (fresh.length === 0) return;
    await this.moveTo(last.tenant, last.sequence, await this.react(fresh, last));
  }

  reread(): void {
    this.places.clear();
  }

  /**
   * Does what has to be done about facts of one tenant, in the order of its log, which were not taken before.
   * @returns whether anything was done, once it is durable
   */
  protected abstract react(fresh: readonly StoredEvent[], last: StoredEvent): Promise<boolean>;

  /** A place that nothing depends on is written down only now and then: most facts are matches. */
  private async moveTo(tenant: TenantId, taken: number, isNeeded: boolean): Promise<void> {
    const saved = this.places.get(tenant)?.saved ?? 0;
    const isSaved = isNeeded || taken - saved >= unsavedMax;
    if (isSaved) {
      await this.documents.write(tenant, { collection: this.name, puts: [], removes: [], position: taken });
    }
    this.places.set(tenant, { taken, saved: isSaved ? taken : saved });
  }
}
