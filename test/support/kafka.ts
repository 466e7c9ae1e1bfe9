import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';

const brokers = () => (process.env.KAFKA_BROKERS ?? '').split(',').filter(Boolean);

/** A topic and a group of its own among the brokers that KAFKA_BROKERS names. */
export function kafkaPlace(partitions = 4, name = 'test') {
  if (brokers().length === 0) throw new Error('KAFKA_BROKERS is not set');
  const topic = `${name}-${randomUUID().slice(0, 8)}`;
  return { brokers: brokers(), topic, partitions, replication: 1, group: topic, isTls: false };
}

/** What a test does to Kafka beside Lethe. */
export const bareKafka = () => new Kafka({ clientId: 'test', brokers: brokers(), logLevel: logLevel.NOTHING });

export async function dropTopic(topic: string): Promise<void> {
  const admin = bareKafka().admin();
  await admin.connect();
  try {
    await admin.deleteTopics({ topics: [topic] });
  } finally {
    await admin.disconnect();
  }
}
