import kafkajs, { type Admin, Partitioners, type PartitionMetadata } from 'kafkajs';
import { SystemClock } from '#lib/adapters-system';
import type { TenantId } from '#lib/core';
import type { KafkaPlace } from './cluster-settings.js';

const createTimeoutMs = 10_000;
const lookEveryMs = 50;
const newTopicErrors: readonly string[] = ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'];

/** The topic of all events, as it was found. */
export interface Topic {
  readonly name: string;
  readonly partitions: number;
  /** Of the brokers' cluster: another one means that Kafka was wiped. */
  readonly clusterId: string;
}

/** The topic is there, but not as it has to be. Nothing was changed: somebody has to decide what becomes of it. */
export class UnusableTopic extends Error {
  override readonly name = 'UnusableTopic';
}

/** What the topic is made with: it keeps everything for ever, and its records bear the brokers' time (`ce_time` is ours). */
const configOf = (replication: number): Record<string, string> => ({
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'message.timestamp.type': 'LogAppendTime',
  // With fewer in sync, writes are refused: acks from one broker alone would be lost with it.
  'min.insync.replicas': replication > 2 ? '2' : '1',
});

/**
 * Makes the topic where there is none, and otherwise looks whether it is fit. May be called by many at once.
 * @throws UnusableTopic when it has fewer partitions than stated, or would lose events by age, size or compaction
 */
export async function ensureTopic(admin: Admin, place: KafkaPlace): Promise<Topic> {
  const { topic, partitions, replication } = place;
  if (!(await admin.listTopics()).includes(topic)) {
    const configEntries = Object.entries(configOf(replication)).map(([name, value]) => ({ name, value }));
    await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: replication, configEntries }],
      timeout: createTimeoutMs,
      // By the client it would fail where the broker does not know yet what it has just made.
      waitForLeaders: false,
    });
  }
  const found = await topicMade(admin, topic);
  if (found.partitions < partitions) {
    throw new UnusableTopic(`topic ${topic} has ${found.partitions} partitions, not ${partitions}`);
  }
  await checkKeepsAll(admin, topic);
  return found;
}

/** The topic once the broker knows it and its leaders, which is some moments after it was made. */
async function topicMade(admin: Admin, name: string): Promise<Topic> {
  const ticks = new SystemClock();
  for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
    try {
      return await topicAt(admin, name);
    } catch (error) {
      const isNew = newTopicErrors.includes((error as { type?: string }).type ?? '');
      if (!isNew || waitedMs >= createTimeoutMs) throw error;
      await ticks.sleep(lookEveryMs);
    }
  }
}

/** The topic as it is now. @throws when there is none */
export async function topicAt(admin: Admin, name: string): Promise<Topic> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
  const { clusterId } = await admin.describeCluster();
  return { name, clusterId, partitions: topics.find((topic) => topic.name === name)?.partitions.length ?? 0 };
}

async function checkKeepsAll(admin: Admin, topic: string): Promise<void> {
  const configNames = ['cleanup.policy', 'retention.ms', 'retention.bytes'];
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames }],
  });
  const entries = resources.flatMap(({ configEntries }) => configEntries);
  for (const { configName, configValue } of entries) {
    const wanted = configOf(1)[configName];
    if (wanted !== undefined && configValue !== wanted) {
      throw new UnusableTopic(`topic ${topic} has ${configName}=${configValue}, not ${wanted}: it would lose events`);
    }
  }
}

const partitioner = Partitioners.DefaultPartitioner();

/** The partition a tenant lies in: by the hash that the usual clients of Kafka take for a key. */
export function partitionOf(tenant: TenantId, partitions: number): number {
  // All that the partitioner reads of them is how many there are.
  const partitionMetadata = new Array<PartitionMetadata>(partitions);
  return partitioner({ topic: '', partitionMetadata, message: { key: tenant, value: null } });
}
