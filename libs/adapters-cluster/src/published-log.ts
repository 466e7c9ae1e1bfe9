import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { TenantId } from '#lib/core';
import type { LogPage, Random, StoredEvent } from '#lib/ports';
import { eventIn } from './cloud-event.js';
import type { KafkaPlace } from './cluster-settings.js';
import { connectKafka } from './kafka-connection.js';

const sessionMs = 30_000;
const pageMax = 1_000;

/** The topic lacks events that it once had, or was begun in the middle. Views can still be built again from the store. */
export class IncompleteTopic extends Error {
  override readonly name = 'IncompleteTopic';
}

/**
 * The log as it was published, from the beginning of the topic to where it ended when this began. Of each tenant nothing
 * but the very next event is taken, so repeats do no harm and no event goes before its predecessor. To be read to its end:
 * its consumer and its group are gone then.
 * @throws IncompleteTopic at the end, what the client says when the brokers are not reached
 */
export async function* publishedLog(kafka: KafkaPlace, random: Random): AsyncGenerator<LogPage> {
  const client = connectKafka(kafka, 'published-log');
  const groupId = `${kafka.group}-published-${random.uuid()}`;
  const admin = client.admin();
  const consumer = client.consumer({ groupId, sessionTimeout: sessionMs, maxWaitTimeInMs: 100 });
  const pages = new Handover<LogPage>();
  await admin.connect();
  try {
    const ends = await endsOf(admin.fetchTopicOffsets(kafka.topic));
    if (ends.size === 0) return;
    await consumer.connect();
    await consumer.subscribe({ topic: kafka.topic, fromBeginning: true });
    await run(consumer, ends, pages);
    for (let page = await pages.next(); page; page = await pages.next()) yield page;
  } finally {
    pages.end();
    await consumer.disconnect().catch(() => undefined);
    await admin.deleteGroups([groupId]).catch(() => undefined);
    await admin.disconnect();
  }
}

interface Span {
  readonly low: number;
  readonly high: number;
}

async function endsOf(
  offsets: Promise<readonly { readonly partition: number; readonly low: string; readonly high: string }[]>,
): Promise<Map<number, Span>> {
  const spans = (await offsets).map(({ partition, low, high }): [number, Span] => [
    partition,
    { low: Number(low), high: Number(high) },
  ]);
  return new Map(spans.filter(([, { low, high }]) => high > low));
}

async function run(consumer: Consumer, ends: Map<number, Span>, pages: Handover<LogPage>): Promise<void> {
  const total = [...ends.values()].reduce((sum, { low, high }) => sum + high - low, 0);
  const left = new Map(ends);
  const reached = new Map<TenantId, number>();
  const seen = new Map<TenantId, number>();
  let done = 0;
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    if (!restart) pages.fail(error);
  });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: true,
    eachBatch: async (payload: EachBatchPayload) => {
      const { batch } = payload;
      const span = left.get(batch.partition);
      if (!span) return;
      const read = batch.messages.flatMap((message) => eventIn(message) ?? []);
      for (const { tenant, sequence } of read) seen.set(tenant, Math.max(sequence, seen.get(tenant) ?? 0));
      for (const events of fresh(read, reached)) {
        done += events.length;
        await pages.put({ events, done: Math.min(done, total), total });
        await payload.heartbeat();
      }
      if (Number(batch.lastOffset()) + 1 < span.high) return;
      left.delete(batch.partition);
      if (left.size > 0) return;
      const lacking = [...seen].filter(([tenant, last]) => last > (reached.get(tenant) ?? 0)).length;
      if (lacking > 0) pages.fail(new IncompleteTopic(`the topic lacks events of ${lacking} tenants`));
      else pages.end();
    },
  });
}

/** By tenant, in order, and no more of each than follows what was reached. */
function fresh(events: readonly StoredEvent[], reached: Map<TenantId, number>): StoredEvent[][] {
  const pages: StoredEvent[][] = [];
  for (const event of events) {
    if (event.sequence !== (reached.get(event.tenant) ?? 0) + 1) continue;
    reached.set(event.tenant, event.sequence);
    const page = pages.at(-1);
    if (page?.[0]?.tenant === event.tenant && page.length < pageMax) page.push(event);
    else pages.push([event]);
  }
  return pages;
}

/** Hands things from one who makes them to one who takes them, one at a time: making waits for taking. */
class Handover<T> {
  private offered: { readonly thing: T; readonly taken: () => void } | undefined;
  private failure: Error | undefined;
  private isOver = false;
  private stirred = Promise.withResolvers<void>();

  /** Resolves when it was taken, or will never be. */
  async put(thing: T): Promise<void> {
    if (this.isOver) return;
    const { promise, resolve: taken } = Promise.withResolvers<void>();
    this.offered = { thing, taken };
    this.stir();
    await promise;
  }

  /** Undefined when no more will come. */
  async next(): Promise<T | undefined> {
    for (;;) {
      const { offered } = this;
      this.offered = undefined;
      offered?.taken();
      if (offered) return offered.thing;
      if (this.failure) throw this.failure;
      if (this.isOver) return undefined;
      await this.stirred.promise;
    }
  }

  fail(error: Error): void {
    this.failure = error;
    this.end();
  }

  end(): void {
    this.isOver = true;
    this.offered?.taken();
    this.stir();
  }

  private stir(): void {
    this.stirred.resolve();
    this.stirred = Promise.withResolvers<void>();
  }
}
