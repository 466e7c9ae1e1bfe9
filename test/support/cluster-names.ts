import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import mongoose, { type Connection } from 'mongoose';

/** What is one test's own among servers that others use at the same time. */
export interface Names {
  readonly databases: { readonly store: string; readonly vault: string; readonly keys: string };
  readonly topic: string;
  /** Consumer groups begin with it. */
  readonly group: string;
  /** Every key in Redis begins with it. */
  readonly prefix: string;
}

/** Removes whatever bears one of these names. Nobody uses it any more. */
export async function dropNames({ databases, topic, group, prefix }: Names): Promise<void> {
  await Promise.all([
    inMongo(async (connection) => {
      for (const name of Object.values(databases)) await connection.useDb(name).dropDatabase();
    }),
    dropInKafka(topic, group),
    dropInRedis(prefix),
  ]);
}

/** Removes every view, and how far each has come. */
export const dropViews = ({ databases }: Names): Promise<void> =>
  inMongo(async (connection) => {
    const database = connection.useDb(databases.store);
    for (const name of ['views', 'views-positions']) await database.dropCollection(name);
  });

async function inMongo(act: (connection: Connection) => Promise<void>): Promise<void> {
  const connection = await mongoose.createConnection(process.env.MONGODB_URI ?? '').asPromise();
  try {
    await act(connection);
  } finally {
    await connection.close();
  }
}

async function dropInKafka(topic: string, group: string): Promise<void> {
  const brokers = (process.env.KAFKA_BROKERS ?? '').split(',');
  const admin = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((name) => name === topic);
    if (topics.length > 0) await admin.deleteTopics({ topics });
    const groups = (await admin.listGroups()).groups.flatMap(({ groupId }) =>
      groupId.startsWith(group) ? groupId : [],
    );
    // One whose member was killed counts as living for a while; the broker forgets it by itself.
    await admin.deleteGroups(groups).catch(() => undefined);
  } finally {
    await admin.disconnect();
  }
}

async function dropInRedis(prefix: string): Promise<void> {
  const redis = new Redis(process.env.REDIS_URL ?? '');
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      if (keys.length > 0) await redis.unlink(...keys);
    }
  } finally {
    redis.disconnect();
  }
}
