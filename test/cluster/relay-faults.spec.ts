import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { KafkaFeed } from '#lib/adapters-cluster';
import { TenantId } from '#lib/core';
import type { Follower, StoredEvent } from '#lib/ports';
import { childOf, kill } from '../support/child.js';
import { OwnServices } from '../support/own-services.js';
import { Onlooker, Relayed, ticks } from '../support/relayed.js';

const tenants = Array.from({ length: 6 }, (_, n) => TenantId.parse(`tenant-${n}`));
const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

/** Keeps what it took, over all that happens to Kafka. */
class Keeper implements Follower {
  readonly name = 'keeper';
  readonly taken = new Map<TenantId, number[]>(tenants.map((tenant) => [tenant, []]));

  position(tenant: TenantId): number {
    return this.taken.get(tenant)?.at(-1) ?? 0;
  }

  take(events: readonly StoredEvent[]): void {
    for (const { tenant, sequence } of events) {
      if (sequence > this.position(tenant)) this.taken.get(tenant)?.push(sequence);
    }
  }
}

describe('what is published', () => {
  let services: OwnServices;
  let relayed: Relayed;
  let onlooker: Onlooker | undefined;
  beforeAll(async () => {
    Logger.overrideLogger(false);
    services = await OwnServices.up('kafka');
    process.env.KAFKA_BROKERS = services.env.KAFKA_BROKERS;
  }, 120_000);
  beforeEach(async () => {
    relayed = await Relayed.open();
  });
  afterEach(async () => {
    await onlooker?.close();
    onlooker = undefined;
    await relayed.close();
  }, 60_000);
  afterAll(() => services.down());

  const appendToAll = (events: number) => Promise.all(tenants.map((tenant) => relayed.append(tenant, events)));
  const everywhere = (seen: Onlooker, last: number) => Promise.all(tenants.map((tenant) => seen.reach(tenant, last)));
  const until = async (isDone: () => boolean) => {
    for (let n = 0; n < 3_000; n++) {
      if (isDone()) return;
      await pause(50);
    }
    throw new Error('it did not come to that');
  };
  /** Appends to every tenant again and again, until it is ended; answers how many events each has by then. */
  const writing = () => {
    let isOver = false;
    let written = 0;
    const run = async () => {
      while (!isOver) {
        await appendToAll(5);
        written += 5;
        await pause(200);
      }
      return written;
    };
    const running = run();
    return () => {
      isOver = true;
      return running;
    };
  };
  const relayElsewhere = () =>
    childOf(`
      import { SystemClock } from './libs/adapters-system/src/index.ts';
      import { CommitHints } from './libs/adapters-cluster/src/commit-hints.ts';
      import { openDatabase } from './libs/adapters-cluster/src/mongo-connection.ts';
      import { MongoEventStore } from './libs/adapters-cluster/src/mongo-event-store.adapter.ts';
      import { Relay } from './libs/adapters-cluster/src/relay.ts';
      const ticks = new SystemClock();
      const connection = await openDatabase(${JSON.stringify(relayed.mongo)});
      const store = await MongoEventStore.open(connection, ticks);
      const hints = new CommitHints(${JSON.stringify(relayed.redis)});
      const relay = new Relay({ kafka: ${JSON.stringify(relayed.kafka)}, store, connection, hints, nodeId: 'elsewhere', ticks });
      await relay.start();
      for (;;) {
        process.send(JSON.stringify(await relay.status()));
        await ticks.sleep(200);
      }
    `);

  it('goes on from another process when one is killed amid it', async () => {
    const child = await relayElsewhere();
    const stop = writing();
    onlooker = await Onlooker.at(relayed.kafka.topic);
    await everywhere(onlooker, 20);
    await relayed.relay();
    await kill(child);
    const before = Math.min(...tenants.map((tenant) => onlooker?.taken(tenant) ?? 0));
    const begunMs = performance.now();
    await everywhere(onlooker, before + 50);
    const tookMs = performance.now() - begunMs;
    await everywhere(onlooker, await stop());
    expect(tookMs).toBeLessThan(20_000);
  }, 120_000);

  it('has no gap, though a process that stood still for longer than its lease goes on where it was', async () => {
    const child = await relayElsewhere();
    const stop = writing();
    onlooker = await Onlooker.at(relayed.kafka.topic);
    await everywhere(onlooker, 20);
    const own = await relayed.relay();
    child.process.kill('SIGSTOP');
    const statusOf = async () => (await own.status()).shares;
    for (let n = 0; n < 400 && (await statusOf()) < 16; n++) await pause(50);
    expect(await statusOf()).toBe(16);
    child.process.kill('SIGCONT');
    await pause(3_000);
    const last = await stop();
    await everywhere(onlooker, last);
    await kill(child);
    // Each as it is in the store, however often it came.
    for (const tenant of tenants) expect(onlooker.taken(tenant)).toBe(last);
  }, 120_000);

  it.each([
    ['killed amid it and started again', () => services.kill('kafka').then(() => services.start('kafka'))],
    ['emptied amid it', () => services.lose('kafka')],
  ])(
    'is whole, and taken once and in order by who follows, over a broker that is %s',
    async (_, befall) => {
      const feed = await KafkaFeed.open({ kafka: relayed.kafka, store: relayed.store, ticks });
      const keeper = new Keeper();
      await relayed.relay();
      await feed.follow(keeper);
      const stop = writing();
      await until(() => tenants.every((tenant) => keeper.position(tenant) >= 20));
      await befall();
      const last = await stop();
      await until(() => tenants.every((tenant) => keeper.position(tenant) === last));
      expect([...keeper.taken.values()]).toEqual(tenants.map(() => upTo(last)));
      onlooker = await Onlooker.at(relayed.kafka.topic);
      await everywhere(onlooker, last);
      await feed.close();
    },
    400_000,
  );
});
