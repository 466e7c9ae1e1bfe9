import { Logger } from '@nestjs/common';
import type { Admin, KafkaMessage } from 'kafkajs';
import type { TenantId } from '#lib/core';
import { type Clock, type EventStore, Feed, type Follower, type StoredEvent } from '#lib/ports';
import { eventIn } from './cloud-event.js';
import type { KafkaPlace } from './cluster-settings.js';
import { connectKafka } from './kafka-connection.js';
import { FollowedLog } from './kafka-followed-log.js';
import { KafkaGroup } from './kafka-group.js';
import { ensureTopic, partitionOf, topicAt } from './kafka-topic.js';

/** How long a batch waits for the slowest follower. Whoever takes longer is brought the rest from the store. */
const patienceMs = 1_000;
/** Tenants whose history is brought to a follower at once. */
const lanesMax = 8;

/** The consumer group that every process with a feed is a member of. */
export const groupOf = ({ group }: KafkaPlace): string => `${group}.feed`;

interface FeedSettings {
  readonly kafka: KafkaPlace;
  readonly store: EventStore;
  readonly ticks: Clock;
}

/**
 * Feed from Kafka: every process with one is a member of the same group, each tenant is brought by one of them, and those
 * of a process that dies go to the others within seconds.
 *
 * Kafka says what is new, the store has what is missing. A follower that fails, is slow, or finds a gap is brought on from
 * the store by itself, and the group's place in the topic goes on: so nobody waits for it, and a topic that was emptied
 * loses nothing. Whenever partitions are assigned, every tenant in them is brought to the end of its log in the store,
 * as nobody knows how far another process had come.
 *
 * A member may go on for a moment after its partitions went to another: followers have to bear that somebody else is further
 * than they are, and `reread` tells them to look.
 */
export class KafkaFeed extends Feed {
  /** Records in the topic that were none of ours, and passed over. */
  foreign = 0;
  private readonly followers = new Map<Follower, Map<TenantId, FollowedLog>>();
  private readonly group: KafkaGroup;
  private readonly log = new Logger(KafkaFeed.name);
  private joining: Promise<void> | undefined;
  private asking: Promise<ReadonlyMap<TenantId, number>> | undefined;
  private isClosed = false;

  private constructor(
    private readonly settings: FeedSettings,
    private readonly admin: Admin,
    private partitions: number,
    private readonly groupId: string,
  ) {
    super();
    const { kafka, ticks } = settings;
    const duties = {
      assigned: (held: ReadonlySet<number>) => void this.assigned(held),
      handed: (partition: number, messages: readonly KafkaMessage[]) => this.handed(partition, messages),
    };
    this.group = new KafkaGroup(connectKafka(kafka, 'feed'), { topic: kafka.topic, groupId }, duties, ticks);
  }

  /**
   * Makes the topic where there is none. The group is joined with the first follower.
   * @throws UnusableTopic, or what the client says after 15 s without a broker
   */
  static async open(settings: FeedSettings): Promise<KafkaFeed> {
    const { kafka } = settings;
    const admin = connectKafka(kafka, 'feed').admin();
    await admin.connect();
    try {
      const { partitions } = await ensureTopic(admin, kafka);
      return new KafkaFeed(settings, admin, partitions, groupOf(kafka));
    } catch (error) {
      await admin.disconnect();
      throw error;
    }
  }

  /** Here, of the tenants that fall to this process; it waits until it is known which these are. */
  async follow(follower: Follower): Promise<void> {
    this.followers.set(follower, new Map());
    this.joining ??= this.group.join();
    await this.joining;
    if (!this.isClosed) await this.bring(follower);
  }

  override feeds(tenant: TenantId): boolean {
    return this.group.held().has(partitionOf(tenant, this.partitions));
  }

  /** Records of this process's partitions that its group has not come to yet. @throws without a broker */
  async lag(): Promise<number> {
    const { topic } = this.settings.kafka;
    const held = this.group.held();
    if (held.size === 0) return 0;
    const [ends, committed] = await Promise.all([
      this.admin.fetchTopicOffsets(topic),
      this.admin.fetchOffsets({ groupId: this.groupId, topics: [topic] }),
    ]);
    const places = new Map(committed.flatMap((each) => each.partitions).map((each) => [each.partition, each.offset]));
    const behind = ends
      .filter(({ partition }) => held.has(partition))
      .map(({ partition, high, low }) => Number(high) - Math.max(Number(low), Number(places.get(partition) ?? 0)));
    return behind.reduce((sum, each) => sum + Math.max(0, each), 0);
  }

  /** @throws while it follows and the brokers do not hear of it */
  async check(): Promise<void> {
    if (this.joining && !this.group.isMember()) throw new Error('not a member of the group');
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.group.close();
    await Promise.all([...this.ways()].map((way) => way.stop()));
    await this.admin.disconnect();
  }

  private async handed(partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    const byTenant = new Map<TenantId, StoredEvent[]>();
    for (const message of messages) {
      const event = eventIn(message);
      if (!event) {
        this.foreign++;
        continue;
      }
      const events = byTenant.get(event.tenant) ?? [];
      byTenant.set(event.tenant, events);
      events.push(event);
    }
    if (this.isClosed || !this.group.held().has(partition)) return;
    const taken = [...byTenant].flatMap(([tenant, events]) =>
      [...this.followers.keys()].map((follower) => this.way(follower, tenant).offer(events)),
    );
    const isOver = new AbortController();
    await Promise.race([Promise.all(taken), this.settings.ticks.sleep(patienceMs, isOver.signal)]);
    isOver.abort();
  }

  private async assigned(held: ReadonlySet<number>): Promise<void> {
    for (const [follower, ways] of this.followers) {
      for (const [tenant, way] of ways) {
        if (held.has(partitionOf(tenant, this.partitions))) continue;
        ways.delete(tenant);
        void way.stop();
      }
      follower.reread?.();
    }
    try {
      this.partitions = (await topicAt(this.admin, this.settings.kafka.topic)).partitions || this.partitions;
    } catch (error) {
      this.log.warn(`the topic could not be looked at: ${(error as Error).message}`);
    }
    for (const follower of this.followers.keys()) void this.bring(follower);
  }

  /** Brings all that is in the store now, of every tenant that falls to us: those who fail last. */
  private async bring(follower: Follower): Promise<void> {
    const left = [...(await this.heads())];
    const late: FollowedLog[] = [];
    const lane = async () => {
      for (let next = left.shift(); next && !this.isClosed; next = left.shift()) {
        const [tenant, head] = next;
        if (!this.feeds(tenant)) continue;
        const way = this.way(follower, tenant);
        await way.reach(head);
        late.push(way);
      }
    };
    await Promise.all(Array.from({ length: lanesMax }, lane));
    await Promise.all(late.map((way) => way.idle()));
  }

  /** The heads as they are at some moment after the call; all who ask in the same turn share one look. */
  private async heads(): Promise<ReadonlyMap<TenantId, number>> {
    this.asking ??= Promise.resolve().then(() => {
      this.asking = undefined;
      return this.lookUpHeads();
    });
    return this.asking;
  }

  private async lookUpHeads(): Promise<ReadonlyMap<TenantId, number>> {
    const { store, ticks } = this.settings;
    const heads = new Map<TenantId, number>();
    for (let retryMs = 100; !this.isClosed; retryMs = Math.min(2 * retryMs, 10_000)) {
      try {
        const left = (await store.tenants()).filter((tenant) => this.feeds(tenant));
        const lane = async () => {
          for (let tenant = left.shift(); tenant; tenant = left.shift()) heads.set(tenant, await store.head(tenant));
        };
        await Promise.all(Array.from({ length: lanesMax }, lane));
        return heads;
      } catch (error) {
        this.log.warn(`the tenants could not be looked up, again in ${retryMs} ms: ${(error as Error).message}`);
        await ticks.sleep(retryMs);
      }
    }
    return heads;
  }

  private way(follower: Follower, tenant: TenantId): FollowedLog {
    const ways = this.followers.get(follower) ?? new Map<TenantId, FollowedLog>();
    const way = ways.get(tenant) ?? new FollowedLog(this.settings, follower, tenant);
    ways.set(tenant, way);
    return way;
  }

  private *ways(): Iterable<FollowedLog> {
    for (const ways of this.followers.values()) yield* ways.values();
  }
}
