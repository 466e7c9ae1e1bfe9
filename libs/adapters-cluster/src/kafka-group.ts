import { Logger } from '@nestjs/common';
import type { Consumer, Kafka, KafkaMessage } from 'kafkajs';
import type { Clock } from '#lib/ports';

/** A member that is not heard of for so long is counted out, and what it had goes to the others. */
const sessionMaxMs = 3_000;
const heartbeatEveryMs = 500;
const rebalanceMaxMs = 5_000;
/** How long a fetch waits for something new; leaving the group takes as long. */
const fetchMaxMs = 100;
const restartAfterMs = 1_000;
const leaveMaxMs = 5_000;

/** What a member of a group is told, one thing after another. */
export interface Duties {
  /** These partitions are ours from now on and no others; those that we had before may have been another's meanwhile. */
  assigned(partitions: ReadonlySet<number>): void;
  /** Something from one of them, in order. It should not take long: a second, and it must not throw. */
  handed(partition: number, messages: readonly KafkaMessage[]): Promise<void>;
}

/**
 * A member of a consumer group, for as long as it is not closed: whatever ends it, it joins again. The place in a
 * partition is committed after what came before was handed over.
 */
export class KafkaGroup {
  private partitions: ReadonlySet<number> = new Set();
  private seenAtMs = Number.NEGATIVE_INFINITY;
  private consumer: Consumer | undefined;
  private isClosed = false;
  private readonly closing = new AbortController();
  private readonly log = new Logger('Kafka');

  constructor(
    private readonly kafka: Kafka,
    private readonly place: { readonly topic: string; readonly groupId: string },
    private readonly duties: Duties,
    private readonly ticks: Clock,
  ) {}

  /** Joins, and resolves when it did so for the first time or was closed; tries for as long as it takes. */
  async join(): Promise<void> {
    const joined = Promise.withResolvers<void>();
    this.closing.signal.addEventListener('abort', () => joined.resolve());
    void this.stay(() => joined.resolve());
    await joined.promise;
  }

  held(): ReadonlySet<number> {
    return this.partitions;
  }

  /** Whether the brokers have heard of this member lately. */
  isMember(): boolean {
    return this.ticks.now().getTime() - this.seenAtMs < 2 * sessionMaxMs;
  }

  /** Leaves the group at once, so that the others need not find out. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.closing.abort();
    await this.leave();
  }

  private async stay(joined: () => void): Promise<void> {
    while (!this.isClosed) {
      const ended = Promise.withResolvers<void>();
      try {
        await this.enter(joined, ended.resolve);
        this.closing.signal.addEventListener('abort', () => ended.resolve(), { once: true });
        await ended.promise;
      } catch (error) {
        this.log.warn(`the group was not joined, again in ${restartAfterMs} ms: ${(error as Error).message}`);
      }
      await this.leave();
      await this.ticks.sleep(restartAfterMs, this.closing.signal);
    }
  }

  private async enter(joined: () => void, ended: () => void): Promise<void> {
    const { topic, groupId } = this.place;
    const consumer = this.kafka.consumer({
      groupId,
      sessionTimeout: sessionMaxMs,
      heartbeatInterval: heartbeatEveryMs,
      rebalanceTimeout: rebalanceMaxMs,
      maxWaitTimeInMs: fetchMaxMs,
      allowAutoTopicCreation: false,
    });
    this.consumer = consumer;
    const { GROUP_JOIN, HEARTBEAT, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.seen();
      this.partitions = new Set(payload.memberAssignment[topic] ?? []);
      this.duties.assigned(this.partitions);
      joined();
    });
    consumer.on(HEARTBEAT, () => this.seen());
    consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart) ended();
    });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        const { batch } = payload;
        if (!payload.isRunning() || payload.isStale()) return;
        await this.duties.handed(batch.partition, batch.messages);
        payload.resolveOffset(batch.lastOffset());
      },
    });
  }

  private async leave(): Promise<void> {
    const { consumer } = this;
    this.consumer = undefined;
    const isOver = new AbortController();
    const left = consumer?.disconnect().catch(() => undefined);
    // What takes longer goes on without us: the brokers count us out by themselves.
    await Promise.race([left, this.ticks.sleep(leaveMaxMs, isOver.signal)]);
    isOver.abort();
  }

  private seen(): void {
    this.seenAtMs = this.ticks.now().getTime();
  }
}
