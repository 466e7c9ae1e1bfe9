import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import type { Server } from './awaited-servers.js';
import type { ClusterSettings, KafkaPlace, KmsPlace, MongoPlace, RedisPlace } from './cluster-settings.js';
import { openDatabase } from './mongo-connection.js';

const reachMaxMs = 2_000;

/** Every server that a process needs before it can begin; Kafka only where it publishes or follows. */
export const serversOf = (
  { store, vault, keys, kafka, redis, kms }: ClusterSettings,
  needsKafka: boolean,
): Server[] => [
  { name: 'MongoDB', reach: () => reachMongo(store) },
  ...(vault.uri === store.uri ? [] : [{ name: 'MongoDB of the vault', reach: () => reachMongo(vault) }]),
  ...(keys.uri === store.uri ? [] : [{ name: 'MongoDB of keys', reach: () => reachMongo(keys) }]),
  ...(needsKafka ? [{ name: 'Kafka', reach: () => reachKafka(kafka) }] : []),
  { name: 'Redis', reach: () => reachRedis(redis) },
  { name: 'KMS with its root key', reach: () => reachKms(kms) },
];

async function reachMongo(place: MongoPlace): Promise<void> {
  const connection = await openDatabase(place);
  try {
    await connection.db?.command({ ping: 1 });
  } finally {
    await connection.destroy();
  }
}

/** Quiet: whoever waits says what there is to say. */
async function reachKafka({ brokers, isTls, sasl }: KafkaPlace): Promise<void> {
  const kafka = new Kafka({
    clientId: 'lethe-start',
    brokers: [...brokers],
    ssl: isTls,
    ...(sasl && { sasl: sasl as never }),
    retry: { retries: 0 },
    connectionTimeout: reachMaxMs,
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.describeCluster();
  } finally {
    await admin.disconnect();
  }
}

async function reachRedis({ url }: RedisPlace): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: reachMaxMs,
    commandTimeout: reachMaxMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let cause: Error | undefined;
  redis.on('error', (error) => {
    cause = error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw cause ?? error;
  } finally {
    redis.disconnect();
  }
}

async function reachKms({ endpoint, region, rootKeyId, credentials }: KmsPlace): Promise<void> {
  const kms = new KMSClient({
    region,
    ...(endpoint && { endpoint }),
    ...(credentials && { credentials }),
    maxAttempts: 1,
  });
  try {
    await kms.send(new DescribeKeyCommand({ KeyId: rootKeyId }), { abortSignal: AbortSignal.timeout(reachMaxMs) });
  } finally {
    kms.destroy();
  }
}
