import type { Admin } from 'kafkajs';
import { TenantId } from '#lib/core';
import { dropTopic, kafkaPlace } from '../../../test/support/kafka.js';
import { connectKafka } from './kafka-connection.js';
import { ensureTopic, partitionOf } from './kafka-topic.js';

describe('the topic', () => {
  let admin: Admin;
  let place: ReturnType<typeof kafkaPlace>;
  beforeEach(async () => {
    place = kafkaPlace(3);
    admin = connectKafka(place, 'spec').admin();
    await admin.connect();
  });
  afterEach(async () => {
    await dropTopic(place.topic).catch(() => undefined);
    await admin.disconnect();
  });
  const make = (config: Record<string, string>) => {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    return admin.createTopics({ topics: [{ topic: place.topic, numPartitions: 3, configEntries }] });
  };

  it('is made once, however many want it at once, and found by the next', async () => {
    const made = await Promise.all([1, 2, 3].map(() => ensureTopic(admin, place)));
    const again = await ensureTopic(admin, { ...place, partitions: 2 });
    expect(new Set([...made, again].map((each) => JSON.stringify(each))).size).toBe(1);
    expect(again).toMatchObject({ name: place.topic, partitions: 3 });
  });

  it('with fewer partitions than stated is refused', async () => {
    await ensureTopic(admin, place);
    const refused = ensureTopic(admin, { ...place, partitions: 4 });
    await expect(refused).rejects.toMatchObject({
      name: 'UnusableTopic',
      message: expect.stringContaining('has 3 partitions'),
    });
  });

  it.each([
    ['retention.ms', '604800000'],
    ['retention.bytes', '1000000'],
    ['cleanup.policy', 'compact'],
  ])('that would lose events by %s=%s is refused', async (name, value) => {
    await make({ [name]: value });
    const refused = ensureTopic(admin, place);
    await expect(refused).rejects.toMatchObject({
      name: 'UnusableTopic',
      message: expect.stringContaining(`${name}=${value}`),
    });
  });
});

describe('a tenant', () => {
  /** Reckoned apart from this code, from the definition of murmur2 as the Java client uses it. */
  it.each([
    ['here', 2],
    ['there', 0],
    ['ward-3', 1],
    ['a', 4],
    ['st-georg', 3],
  ])('%s lies in the partition, of 12, where a usual client would put that key', (tenant, partition) => {
    expect(partitionOf(TenantId.parse(tenant), 12)).toBe(partition);
  });
});
