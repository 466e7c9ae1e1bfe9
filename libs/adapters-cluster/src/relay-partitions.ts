import type { Admin } from 'kafkajs';
import type { TenantId } from '#lib/core';
import type { KafkaPlace } from './cluster-settings.js';
import { ensureTopic, partitionOf, type Topic } from './kafka-topic.js';
import type { PartitionPlace, RelayPlaces } from './relay-places.js';

/** Lies between few, so that a process in a small cluster gets its part, and more than there will be relays. */
export const sharesMax = 16;

/**
 * The partitions that this relay fills. A share is a set of whole partitions: so each has one relay, which knows where it
 * ends, and sees by the offset of its very next record if it was emptied meanwhile.
 */
export class RelayPartitions {
  private readonly held = new Map<number, PartitionPlace>();
  private topic: Topic | undefined;

  constructor(
    private readonly places: RelayPlaces,
    private readonly place: KafkaPlace,
  ) {}

  /** The partition of a tenant; undefined while it is another relay's. */
  of(tenant: TenantId): PartitionPlace | undefined {
    return this.topic && this.held.get(partitionOf(tenant, this.topic.partitions));
  }

  /** Whether this still is the partition that it was when it was asked for. */
  isHeld({ partition, incarnation }: PartitionPlace): boolean {
    return this.held.get(partition)?.incarnation === incarnation;
  }

  /** Holds the partitions of these shares and no others. Answers whether any came to be held. */
  async hold(shares: ReadonlySet<number>): Promise<boolean> {
    const { topic } = this;
    if (!topic) return false;
    const wanted = Array.from({ length: topic.partitions }, (_, n) => n).filter((n) => shares.has(n % sharesMax));
    for (const partition of this.held.keys()) if (!wanted.includes(partition)) this.held.delete(partition);
    const gained = wanted.filter((partition) => !this.held.has(partition));
    for (const partition of gained) {
      this.held.set(partition, await this.places.partition(partition, identityOf(topic)));
    }
    return gained.length > 0;
  }

  /**
   * Looks whether the topic still is what it was, after making it where it is gone. Answers whether any partition begins
   * anew: whoever lies in it has to be published from the beginning.
   * @throws UnusableTopic
   */
  async look(admin: Admin): Promise<boolean> {
    const before = this.topic && identityOf(this.topic);
    const ends = new Map([...this.held.values()].map(({ partition, end }) => [partition, end]));
    this.topic = await ensureTopic(admin, this.place);
    if (before !== undefined && identityOf(this.topic) !== before) {
      this.held.clear();
      return true;
    }
    let isAny = false;
    for (const { partition, high } of ends.size > 0 ? await admin.fetchTopicOffsets(this.topic.name) : []) {
      // The end as it was before the look: what was published since is not in this answer for certain.
      if (Number(high) <= (ends.get(partition) ?? -1)) {
        await this.lose(partition);
        isAny = true;
      }
    }
    return isAny;
  }

  /**
   * A batch was acknowledged, its first record at `base`. Answers whether the partition is the one it was before: if it is
   * not, whatever was in it is gone, and nothing published so far counts.
   */
  async filled(before: PartitionPlace, base: number, records: number): Promise<boolean> {
    if (!this.isHeld(before)) return false;
    const end = this.held.get(before.partition)?.end ?? -1;
    if (base >= 0 && base <= end) {
      await this.lose(before.partition);
      return false;
    }
    this.held.set(before.partition, { ...before, end: Math.max(end, base + records - 1) });
    return true;
  }

  all(): readonly PartitionPlace[] {
    return [...this.held.values()];
  }

  private async lose(partition: number): Promise<void> {
    const before = this.held.get(partition);
    if (!before) return;
    this.held.delete(partition);
    this.held.set(partition, await this.places.begin(partition, before.topicIdentity, before));
  }
}

/** With other partitions, tenants lie elsewhere: that is another topic, even where it has the name and the records. */
const identityOf = ({ clusterId, partitions }: Topic) => `${clusterId}/${partitions}`;
