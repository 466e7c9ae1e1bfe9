import type { TenantId } from '#lib/core';
import type { EventStore, StoredEvent } from '../event-store/event-store.port.js';
import type { Feed, Follower } from '../feed/feed.port.js';

const batchMax = 1_000;

/** How far a rebuild has come. */
export interface RebuildProgress {
  readonly view: string;
  readonly tenant: TenantId;
  readonly done: number;
  readonly total: number;
}

/** A part of one tenant's log; each page goes on where the one before of that tenant ended. */
export interface LogPage {
  readonly events: readonly StoredEvent[];
  /** How many of how many, in whatever is being read. */
  readonly done: number;
  readonly total: number;
}

/** What every `DocumentView` is, whatever its documents hold. */
export interface View extends Follower {
  clear(tenant: TenantId): Promise<void>;
  /** Where the log is, for a view that another process keeps. */
  readsFrom?(log: EventStore): void;
}

/** Every view of this process. A feature adds its own when it is made; a main then lets them follow the log. */
export class Views {
  private readonly views = new Map<string, View>();

  constructor(
    private readonly store: EventStore,
    private readonly feed: Feed,
  ) {}

  /** @throws when another view has its name: two would write over each other */
  add(view: View): void {
    if (this.views.has(view.name)) throw new Error(`there are two views named ${view.name}`);
    view.readsFrom?.(this.store);
    this.views.set(view.name, view);
  }

  all(): readonly View[] {
    return [...this.views.values()];
  }

  /** From now on every view is kept up to date. Nobody but a reader of a view waits for its history. */
  follow(): void {
    for (const view of this.views.values()) void this.feed.follow(view);
  }

  /** Brings every view to the end of the log, once. Nothing may follow the feed meanwhile. */
  async catchUp(): Promise<void> {
    for (const tenant of await this.store.tenants()) {
      for (const view of this.views.values()) {
        for (let events = await this.next(view, tenant); events.length > 0; events = await this.next(view, tenant)) {
          await view.take(events);
        }
      }
    }
  }

  /**
   * Builds every view of every tenant again from the log alone: as the store has it, or from pages of what was published
   * of it. Nothing may follow the feed meanwhile.
   */
  async rebuild(
    progress: (progress: RebuildProgress) => void,
    pages: AsyncIterable<LogPage> = this.stored(),
  ): Promise<void> {
    for (const tenant of await this.store.tenants()) {
      for (const view of this.views.values()) await view.clear(tenant);
    }
    for await (const { events, done, total } of pages) {
      const [first] = events;
      if (!first) continue;
      // Side by side: their writes then share a commit.
      await Promise.all([...this.views.values()].map(async (view) => view.take(events)));
      for (const view of this.views.keys()) progress({ view, tenant: first.tenant, done, total });
    }
  }

  private async *stored(): AsyncGenerator<LogPage> {
    for (const tenant of await this.store.tenants()) {
      const total = await this.store.head(tenant);
      for (let done = 0; done < total; ) {
        const events = await this.store.readLog(tenant, done, batchMax);
        done = events.at(-1)?.sequence ?? total;
        yield { events, done, total };
      }
    }
  }

  private async next(view: View, tenant: TenantId) {
    return this.store.readLog(tenant, await view.position(tenant), batchMax);
  }
}
