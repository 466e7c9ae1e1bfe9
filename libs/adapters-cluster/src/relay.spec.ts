import { Logger } from '@nestjs/common';
import { type Admin, ConfigResourceTypes } from 'kafkajs';
import { TenantId } from '#lib/core';
import { type EventStore, StoreUnavailable } from '#lib/ports';
import { bareKafka, dropTopic } from '../../../test/support/kafka.js';
import { Onlooker, Relayed, ticks } from '../../../test/support/relayed.js';
import { eventIn } from './cloud-event.js';

const [here, there] = ['here', 'there'].map((name) => TenantId.parse(name)) as [TenantId, TenantId];
const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

describe('Relay', () => {
  let relayed: Relayed;
  let onlooker: Onlooker | undefined;
  beforeAll(() => Logger.overrideLogger(false));
  const open = async (options: Parameters<typeof Relayed.open>[0] = {}) => {
    relayed = await Relayed.open(options);
  };
  const look = async () => {
    onlooker = await Onlooker.at(relayed.kafka.topic);
    return onlooker;
  };
  afterEach(async () => {
    await onlooker?.close();
    onlooker = undefined;
    await relayed.close();
  });
  const until = async (isDone: () => Promise<boolean>) => {
    for (let n = 0; n < 400; n++) {
      if (await isDone()) return;
      await ticks.sleep(50);
    }
    throw new Error('it did not come to that');
  };

  const asAdmin = async <T>(act: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = bareKafka().admin();
    await admin.connect();
    try {
      return await act(admin);
    } finally {
      await admin.disconnect();
    }
  };
  const recordsIn = async (admin: Admin) => {
    // Until every partition has a leader, there is no answer.
    const ends = await admin.fetchTopicOffsets(relayed.kafka.topic).catch(() => []);
    return ends.reduce((sum, { high }) => sum + Number(high), 0);
  };

  it('publishes what was stored before and what is stored later, each event once, as it is in the store', async () => {
    await open();
    await relayed.append(here, 1_500, { a: ['ä', { z: 1, b: null }] });
    await relayed.relay();
    const seen = await look();
    await seen.reach(here, 1_500);
    await Promise.all([relayed.append(here, 50), relayed.append(there, 70)]);
    await Promise.all([seen.reach(here, 1_550), seen.reach(there, 70)]);
    expect([seen.sequences(here), seen.sequences(there)]).toEqual([upTo(1_550), upTo(70)]);
    const events = seen.messages.flatMap((message) => eventIn(message) ?? []).filter(({ tenant }) => tenant === here);
    expect(events).toEqual(await relayed.store.readLog(here, 0, 5_000));
  });

  it('finds by itself what no hint told it of, and a tenant that is new', async () => {
    await open({ isHinting: false });
    await relayed.relay();
    const seen = await look();
    await relayed.append(here, 3);
    await seen.reach(here, 3);
    await relayed.append(here, 1);
    await seen.reach(here, 4);
    expect(seen.sequences(here)).toEqual(upTo(4));
  });

  it('goes on where it ended, without a repeat after a good end', async () => {
    await open();
    const first = await relayed.relay();
    await relayed.append(here, 100);
    const seen = await look();
    await seen.reach(here, 100);
    await first.close();
    await relayed.append(here, 20);
    await relayed.relay();
    await seen.reach(here, 120);
    expect(seen.sequences(here)).toEqual(upTo(120));
  });

  it('shares the tenants with whoever comes, and one alone does it all again', async () => {
    await open({ partitions: 16 });
    const tenants = upTo(40).map((n) => TenantId.parse(`tenant-${n}`));
    const [one, two] = [await relayed.relay(), await relayed.relay()];
    await until(async () => (await one.status()).shares === 8 && (await two.status()).shares === 8);
    const seen = await look();
    const appendToAll = () => Promise.all(tenants.map((tenant) => relayed.append(tenant, 5)));
    await appendToAll();
    await Promise.all(tenants.map((tenant) => seen.reach(tenant, 5)));
    for (const relay of [one, two]) expect((await relay.status()).published).toBeGreaterThan(0);
    await two.close();
    await appendToAll();
    await Promise.all(tenants.map((tenant) => seen.reach(tenant, 10)));
    expect(await one.status()).toMatchObject({ shares: 16, behind: 0, oldestMs: 0 });
  });

  it('says how far it is behind, and goes on by itself when it can read again', async () => {
    await open();
    let isDown = true;
    const readLog = async (...asked: Parameters<EventStore['readLog']>) => {
      if (isDown && asked[2] > 1) throw new StoreUnavailable('not now');
      return relayed.store.readLog(...asked);
    };
    await relayed.append(here, 7);
    const store = Object.assign(Object.create(relayed.store) as EventStore, { readLog });
    const relay = await relayed.relay('node', store);
    await until(async () => (await relay.status()).failures > 1);
    const status = await relay.status();
    expect(status).toMatchObject({ behind: 7, published: 0 });
    expect(status.oldestMs).toBeGreaterThan(0);
    isDown = false;
    await until(async () => (await relay.status()).published === 7);
    expect(await relay.status()).toMatchObject({ behind: 0, oldestMs: 0 });
  });

  it('lets no tenant wait for one whose event no broker takes', async () => {
    await open({ partitions: 1 });
    await relayed.relay();
    const { topic } = relayed.kafka;
    const configEntries = [{ name: 'max.message.bytes', value: '20000' }];
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
    await asAdmin((admin) => admin.alterConfigs({ validateOnly: false, resources }));
    // Noise, so that it does not become small when it is compressed.
    const noise = upTo(20_000).map((n) => Math.sin(n).toString(36).slice(3, 9));
    await relayed.append(here, 1, { noise });
    const seen = await look();
    await relayed.append(there, 20);
    await seen.reach(there, 20);
    expect(seen.sequences(here)).toEqual([]);
  });

  it('publishes everything again into a topic that was removed', async () => {
    await open();
    await relayed.relay();
    await Promise.all([relayed.append(here, 300), relayed.append(there, 30)]);
    const before = await look();
    await Promise.all([before.reach(here, 300), before.reach(there, 30)]);
    await before.close();
    await dropTopic(relayed.kafka.topic);
    await relayed.append(here, 1);
    const { topic } = relayed.kafka;
    await until(async () => (await asAdmin((admin) => admin.listTopics())).includes(topic));
    const seen = await look();
    await Promise.all([seen.reach(here, 301), seen.reach(there, 30)]);
    expect([seen.sequences(here).at(-1), seen.sequences(there).at(-1)]).toEqual([301, 30]);
  });

  it('publishes everything again where tenants lie elsewhere, as there are more partitions', async () => {
    await open({ partitions: 2 });
    await relayed.relay();
    const tenants = upTo(12).map((n) => TenantId.parse(`tenant-${n}`));
    await Promise.all(tenants.map((tenant) => relayed.append(tenant, 5)));
    const before = await look();
    await Promise.all(tenants.map((tenant) => before.reach(tenant, 5)));
    await before.close();
    await asAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic: relayed.kafka.topic, count: 7 }] }));
    // 60 of before, and 60 again; some of them twice, should a batch have failed.
    await until(async () => (await asAdmin((admin) => recordsIn(admin))) >= 120);
    const after = await look();
    await Promise.all(tenants.map((tenant) => after.reach(tenant, 5)));
    for (const tenant of tenants) expect(after.sequences(tenant).at(-1)).toBe(5);
  }, 90_000);
});
