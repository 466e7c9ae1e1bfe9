import { setImmediate } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import type { Clock, EventStore, Follower, StoredEvent } from '#lib/ports';

const batchMax = 250;
const retryMinMs = 100;
const retryMaxMs = 10_000;

interface Needs {
  readonly store: EventStore;
  readonly ticks: Clock;
}

/**
 * One follower's way through one tenant's log: no other follower and no other tenant waits for it. What comes from Kafka is
 * handed on as it is if it is what comes next; whatever is missing between is read from the store.
 */
export class FollowedLog {
  private readonly stopping = new AbortController();
  private readonly log = new Logger('KafkaFeed');
  private running: Promise<void> | undefined;
  /** The tenant's last event, as far as is known here. */
  private target = 0;

  constructor(
    private readonly needs: Needs,
    private readonly follower: Follower,
    private readonly tenant: TenantId,
  ) {}

  /** Resolves when they are taken in, or when that has to go on by itself. */
  async offer(events: readonly StoredEvent[]): Promise<void> {
    for (const { sequence } of events) this.target = Math.max(this.target, sequence);
    await this.start(events);
  }

  /** As `offer`, for what is in the store up to there. */
  async reach(sequence: number): Promise<void> {
    this.target = Math.max(this.target, sequence);
    await this.start([]);
  }

  /** Resolves when nothing is left to bring, however long that takes, or after `stop`. */
  async idle(): Promise<void> {
    await this.running;
  }

  /** The follower is not called any more once this resolved. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async start(events: readonly StoredEvent[]): Promise<void> {
    // It looks at the target again before it ends.
    if (this.running) return;
    const handed = Promise.withResolvers<void>();
    this.running = this.run(events, handed.resolve);
    await handed.promise;
  }

  private async run(offered: readonly StoredEvent[], handed: () => void): Promise<void> {
    let events = offered;
    let retryMs = retryMinMs;
    while (!this.stopping.signal.aborted) {
      try {
        const position = await this.follower.position(this.tenant);
        if (position >= this.target) break;
        const next = nextOf(events, position);
        events = [];
        const page = next.length > 0 ? next : await this.read(position);
        // The store does not know what Kafka told of: it is for the store to say what happened.
        if (page.length === 0) break;
        if (this.stopping.signal.aborted) break;
        await this.follower.take(page);
        retryMs = retryMinMs;
      } catch (error) {
        handed();
        this.log.error(`${this.follower.name} failed, next try in ${retryMs} ms`, error);
        await this.needs.ticks.sleep(retryMs, this.stopping.signal);
        retryMs = Math.min(2 * retryMs, retryMaxMs);
      }
    }
    this.running = undefined;
    handed();
  }

  private async read(position: number): Promise<readonly StoredEvent[]> {
    // A long history must not keep requests waiting, however quick the store is.
    await setImmediate();
    return this.needs.store.readLog(this.tenant, position, batchMax);
  }
}

/** Of what came, that which follows one by one: repeats are dropped, and so is what comes before its turn. */
function nextOf(events: readonly StoredEvent[], position: number): readonly StoredEvent[] {
  const next: StoredEvent[] = [];
  for (const event of events) if (event.sequence === position + next.length + 1) next.push(event);
  return next;
}
