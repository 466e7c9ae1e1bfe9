import { randomUUID } from 'node:crypto';
import type { Consumer, KafkaMessage } from 'kafkajs';
import type { Connection } from 'mongoose';
import { CommitHints, type KafkaPlace, MongoEventStore, openDatabase, Relay } from '#lib/adapters-cluster';
import { SystemClock } from '#lib/adapters-system';
import type { TenantId } from '#lib/core';
import type { EventStore } from '#lib/ports';
import { bareKafka, dropTopic, kafkaPlace } from './kafka.js';

export const ticks = new SystemClock();

/** A store, a topic and a channel of their own, and relays between them. */
export class Relayed {
  private readonly relays: Relay[] = [];
  private readonly hints: CommitHints[] = [];
  private made = 0;

  private constructor(
    readonly connection: Connection,
    readonly store: MongoEventStore,
    readonly kafka: KafkaPlace,
    private readonly prefix: string,
  ) {}

  static async open({ partitions = 4, isHinting = true } = {}): Promise<Relayed> {
    const database = `relayed-${randomUUID().slice(0, 8)}`;
    const connection = await openDatabase({ uri: process.env.MONGODB_URI ?? '', database, timeoutMs: 5_000 });
    const store = await MongoEventStore.open(connection, ticks);
    const relayed = new Relayed(connection, store, kafkaPlace(partitions), database);
    if (isHinting) {
      const hints = relayed.openHints();
      store.onStored((tenant) => hints.tell(tenant));
    }
    return relayed;
  }

  async relay(nodeId: string = randomUUID(), store: EventStore = this.store): Promise<Relay> {
    const { kafka, connection } = this;
    const relay = new Relay({ kafka, store, connection, hints: this.openHints(), nodeId, ticks });
    await relay.start();
    this.relays.push(relay);
    return relay;
  }

  /** Where its store is, for another process. */
  get mongo() {
    return { uri: process.env.MONGODB_URI ?? '', database: this.connection.name, timeoutMs: 5_000 };
  }

  get redis() {
    return { url: process.env.REDIS_URL ?? '', prefix: this.prefix };
  }

  /** So many events, each to a stream of its own. */
  async append(tenant: TenantId, events = 1, data: unknown = {}): Promise<void> {
    const append = () => {
      const id = `event-${++this.made}`;
      const event = { id, type: 'test.counted', version: 1, data, at: '2026-01-01T00:00:00.000Z', actor: 'tester' };
      return this.store.append({ tenant, stream: `stream-${this.made}`, expected: 0, events: [event] });
    };
    await Promise.all(Array.from({ length: events }, append));
  }

  async close(): Promise<void> {
    await Promise.all(this.relays.map((relay) => relay.close()));
    await Promise.all(this.hints.map((hints) => hints.close()));
    await this.store.close();
    await dropTopic(this.kafka.topic).catch(() => undefined);
    await this.connection.dropDatabase();
    await this.connection.close();
  }

  private openHints(): CommitHints {
    const hints = new CommitHints(this.redis);
    this.hints.push(hints);
    return hints;
  }
}

/** Everything in a topic from its beginning on, as a stranger sees it: the sequences of each tenant, in their order. */
export class Onlooker {
  readonly messages: KafkaMessage[] = [];
  private constructor(private readonly consumer: Consumer) {}

  static async at(topic: string): Promise<Onlooker> {
    const timing = { sessionTimeout: 3_000, heartbeatInterval: 500, rebalanceTimeout: 5_000, maxWaitTimeInMs: 100 };
    const consumer = bareKafka().consumer({ groupId: `onlooker-${randomUUID()}`, ...timing });
    const onlooker = new Onlooker(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void onlooker.messages.push(message) });
    return onlooker;
  }

  sequences(tenant: TenantId): number[] {
    const ours = this.messages.filter(({ key }) => key?.toString() === tenant);
    return ours.map(({ headers }) => Number(headers?.ce_sequence?.toString()));
  }

  /** What a reader takes of it who takes nothing but the next. */
  taken(tenant: TenantId): number {
    return this.sequences(tenant).reduce((last, sequence) => (sequence === last + 1 ? sequence : last), 0);
  }

  async reach(tenant: TenantId, sequence: number): Promise<void> {
    for (let waitedMs = 0; this.taken(tenant) < sequence; waitedMs += 20) {
      if (waitedMs > 120_000) throw new Error(`${tenant} was published up to ${this.taken(tenant)}, not ${sequence}`);
      await ticks.sleep(20);
    }
  }

  close(): Promise<void> {
    return this.consumer.disconnect();
  }
}
