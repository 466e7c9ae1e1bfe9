import { CompressionTypes, type Kafka, Partitioners, type Producer } from 'kafkajs';
import type { EventRecord } from './cloud-event.js';

/**
 * Sends records to the partitions they are for, in order, and answers once every replica in sync has them.
 *
 * After a failure it goes on with another producer: of a send that failed nothing is known, and a new producer's numbering
 * owes nothing to it. To send the same again may double records, which readers drop by their sequence.
 */
export class RelayPublisher {
  private producer: Promise<Producer> | undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly topic: string,
  ) {}

  /** Answers the offset that each partition's first record got, -1 where the broker does not say. @throws when unknown */
  async send(records: ReadonlyMap<number, readonly EventRecord[]>): Promise<ReadonlyMap<number, number>> {
    const messages = [...records].flatMap(([partition, each]) =>
      each.map(({ key, value, headers }) => ({ key, value, headers, partition })),
    );
    this.producer ??= this.connect();
    try {
      const producer = await this.producer;
      const acknowledged = await producer.sendBatch({
        acks: -1,
        compression: CompressionTypes.GZIP,
        topicMessages: [{ topic: this.topic, messages }],
      });
      const bases = new Map(acknowledged.map(({ partition, baseOffset }) => [partition, Number(baseOffset ?? -1)]));
      // The client silently leaves out what is for a partition that is newer than what it knows of the topic.
      for (const partition of records.keys()) {
        if (!bases.has(partition)) throw new Error(`nothing was said about partition ${partition}`);
      }
      return bases;
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const producer = this.producer;
    this.producer = undefined;
    await producer?.then((each) => each.disconnect()).catch(() => undefined);
  }

  private async connect(): Promise<Producer> {
    const producer = this.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  }
}
