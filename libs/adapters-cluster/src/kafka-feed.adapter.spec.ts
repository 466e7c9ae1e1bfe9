import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { TenantId } from '#lib/core';
import type { Follower, StoredEvent } from '#lib/ports';
import { feedContract } from '#lib/ports/contracts';
import { bareKafka, dropTopic } from '../../../test/support/kafka.js';
import { Relayed, ticks } from '../../../test/support/relayed.js';
import { recordOf } from './cloud-event.js';
import { KafkaFeed } from './kafka-feed.adapter.js';

beforeAll(() => Logger.overrideLogger(false));

const open = async (partitions = 4) => {
  const relayed = await Relayed.open({ partitions });
  const { kafka, store } = relayed;
  const feed = await KafkaFeed.open({ kafka, store, ticks });
  await relayed.relay();
  return { relayed, feed };
};

feedContract(async () => {
  const { relayed, feed } = await open();
  const close = async () => {
    await feed.close();
    await relayed.close();
  };
  return { feed, store: relayed.store, close };
});

/** What several processes write into one place: each sequence counts once, and a position never sinks. */
class Shelf {
  readonly taken = new Map<TenantId, number[]>();
  position(tenant: TenantId): number {
    return this.taken.get(tenant)?.at(-1) ?? 0;
  }
  put(tenant: TenantId, sequences: readonly number[]): void {
    this.taken.set(tenant, [...(this.taken.get(tenant) ?? []), ...sequences]);
  }
}

/** A view over a shelf, in one process: it remembers its positions until it is told to look again. */
class Reader implements Follower {
  readonly name = 'reader';
  rereads = 0;
  tookMs = 0;
  private readonly positions = new Map<TenantId, number>();

  constructor(private readonly shelf: Shelf) {}

  position(tenant: TenantId): number {
    return this.positions.get(tenant) ?? this.shelf.position(tenant);
  }

  async take(events: readonly StoredEvent[]): Promise<void> {
    const [{ tenant }] = events as [StoredEvent];
    if (this.tookMs > 0) await pause(this.tookMs);
    const fresh = events.filter(
      ({ sequence }) => sequence > Math.max(this.position(tenant), this.shelf.position(tenant)),
    );
    this.shelf.put(
      tenant,
      fresh.map(({ sequence }) => sequence),
    );
    this.positions.set(tenant, events.at(-1)?.sequence ?? 0);
  }

  reread(): void {
    this.rereads++;
    this.positions.clear();
  }
}

describe('KafkaFeed', () => {
  const tenants = Array.from({ length: 12 }, (_, n) => TenantId.parse(`tenant-${n}`));
  const [first] = tenants as [TenantId];
  const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);
  let relayed: Relayed;
  let feed: KafkaFeed;
  let shelf: Shelf;
  beforeEach(async () => {
    ({ relayed, feed } = await open());
    shelf = new Shelf();
  });
  afterEach(async () => {
    await feed.close();
    await relayed.close();
  });
  const second = () => KafkaFeed.open({ kafka: relayed.kafka, store: relayed.store, ticks });
  const appendToAll = (events: number) => Promise.all(tenants.map((tenant) => relayed.append(tenant, events)));
  const until = async (isDone: () => boolean | Promise<boolean>) => {
    for (let n = 0; n < 600; n++) {
      if (await isDone()) return;
      await pause(50);
    }
    throw new Error('it did not come to that');
  };
  const allAt = (last: number) => () => tenants.every((tenant) => shelf.position(tenant) === last);

  it('shares the tenants among the members of a group, each event taken once and in order', async () => {
    const other = await second();
    await Promise.all([feed.follow(new Reader(shelf)), other.follow(new Reader(shelf))]);
    await until(() => [feed, other].every((each) => tenants.some((tenant) => each.feeds(tenant))));
    expect(tenants.filter((tenant) => feed.feeds(tenant) === other.feeds(tenant))).toEqual([]);
    await appendToAll(30);
    await until(allAt(30));
    expect([...shelf.taken.values()]).toEqual(tenants.map(() => upTo(30)));
    await other.close();
  });

  it('brings on what a member that left had not taken, without waiting for a next event', async () => {
    const other = await second();
    const slow = new Reader(shelf);
    await other.follow(slow);
    slow.tookMs = 3_000;
    await appendToAll(5);
    const reader = new Reader(shelf);
    const following = feed.follow(reader);
    await other.close();
    await following;
    await until(allAt(5));
    expect(reader.rereads).toBeGreaterThan(0);
    expect([...shelf.taken.values()]).toEqual(tenants.map(() => upTo(5)));
  });

  it('commits its place, says how far it is behind, and begins there the next time', async () => {
    await feed.follow(new Reader(shelf));
    await appendToAll(20);
    await until(allAt(20));
    await until(async () => (await feed.lag()) === 0);
    await feed.check();
    await feed.close();
    await appendToAll(5);
    feed = await second();
    await feed.follow(new Reader(shelf));
    await until(async () => allAt(25)() && (await feed.lag()) === 0);
    expect([...shelf.taken.values()]).toEqual(tenants.map(() => upTo(25)));
  });

  it('lets nobody wait long for a follower that is slow', async () => {
    const slow = new Reader(new Shelf());
    slow.tookMs = 8_000;
    void feed.follow(slow);
    await feed.follow(new Reader(shelf));
    await appendToAll(1);
    const begun = performance.now();
    await until(allAt(1));
    expect(performance.now() - begun).toBeLessThan(7_000);
  });

  it('passes over records that are none of ours, repeats, and what comes before its turn', async () => {
    await feed.follow(new Reader(shelf));
    await relayed.append(first, 3);
    await until(() => shelf.position(first) === 3);
    const events = await relayed.store.readLog(first, 0, 10);
    const future = { ...(events[0] as StoredEvent), sequence: 9_000 };
    const producer = bareKafka().producer();
    await producer.connect();
    const ours = [...events, future, ...events].map(recordOf);
    const foreign = [{ value: 'hello' }, { key: first, value: '{}' }, { key: null, value: null }];
    const messages = [...foreign, ...ours, ...foreign].map((message) => ({ ...message, partition: 0 }));
    await producer.send({ topic: relayed.kafka.topic, messages });
    await producer.disconnect();
    await relayed.append(first, 2);
    await until(() => shelf.position(first) === 5 && feed.foreign === 6);
    expect(shelf.taken.get(first)).toEqual(upTo(5));
  });

  it('goes on over a topic that was removed and made again', async () => {
    await feed.follow(new Reader(shelf));
    await appendToAll(10);
    await until(allAt(10));
    await dropTopic(relayed.kafka.topic);
    await appendToAll(5);
    await until(allAt(15));
    expect([...shelf.taken.values()]).toEqual(tenants.map(() => upTo(15)));
  });
});
