import { SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { LogPage, StoredEvent } from '#lib/ports';
import { bareKafka } from '../../../test/support/kafka.js';
import { Relayed } from '../../../test/support/relayed.js';
import { recordOf } from './cloud-event.js';
import { publishedLog } from './published-log.js';
import type { Relay } from './relay.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');

describe('publishedLog', () => {
  let relayed: Relayed;
  beforeEach(async () => {
    relayed = await Relayed.open();
  });
  afterEach(() => relayed.close());

  const read = async () => {
    const pages: LogPage[] = [];
    for await (const page of publishedLog(relayed.kafka, new SystemRandom())) pages.push(page);
    return pages;
  };
  const published = async (count: number, by?: Relay) => {
    const relay = by ?? (await relayed.relay());
    for (let published = 0; published < count; ) {
      ({ published } = await relay.status());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const eventsOf = (pages: readonly LogPage[], tenant: TenantId) =>
    pages.flatMap(({ events }) => events).filter((event) => event.tenant === tenant);

  it('is what the store has, each tenant in its order, and ends where the topic ended', async () => {
    await relayed.append(here, 1_200, { text: 'x' });
    await relayed.append(there, 3);
    await published(1_203);
    const pages = await read();
    expect(eventsOf(pages, here)).toEqual(await relayed.store.readLog(here, 0, 2_000));
    expect(eventsOf(pages, there)).toEqual(await relayed.store.readLog(there, 0, 10));
    expect(pages.at(-1)).toMatchObject({ done: 1_203, total: 1_203 });
    expect(pages.every(({ events }) => events.length <= 1_000)).toBe(true);
  });

  it('takes what was published twice once, and passes over what is none of ours', async () => {
    await relayed.append(here, 5);
    await published(5);
    const producer = bareKafka().producer();
    await producer.connect();
    await producer.send({ topic: relayed.kafka.topic, messages: [{ key: here, value: '{}' }] });
    await producer.disconnect();
    expect(eventsOf(await read(), here).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  });

  it('is empty where nothing was published, and leaves no group', async () => {
    const relay = await relayed.relay();
    expect(await read()).toEqual([]);
    await relayed.append(here);
    await published(1, relay);
    await read();
    const admin = bareKafka().admin();
    await admin.connect();
    const { groups } = await admin.listGroups();
    await admin.disconnect();
    expect(groups.filter(({ groupId }) => groupId.startsWith(`${relayed.kafka.group}-published`))).toEqual([]);
  });

  it('says so when the topic was begun in the middle', async () => {
    await relayed.append(here, 4);
    await published(4);
    const [event] = await relayed.store.readLog(here, 3, 1);
    const producer = bareKafka().producer();
    await producer.connect();
    const { key, value, headers } = recordOf({ ...(event as StoredEvent), sequence: 7 });
    await producer.send({ topic: relayed.kafka.topic, messages: [{ key, value, headers }] });
    await producer.disconnect();
    await expect(read()).rejects.toMatchObject({
      name: 'IncompleteTopic',
      message: expect.stringContaining('1 tenants'),
    });
  });

  it('can be left before its end', async () => {
    await relayed.append(here, 2_500);
    await published(2_500);
    for await (const { events } of publishedLog(relayed.kafka, new SystemRandom())) {
      expect(events[0]?.sequence).toBe(1);
      break;
    }
  });
});
