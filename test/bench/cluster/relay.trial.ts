import { setTimeout as sleep } from 'node:timers/promises';
import { CompressionTypes, Kafka, Partitioners } from 'kafkajs';
import { CommitHints, MongoEventStore, openDatabase, Relay, recordOf } from '#lib/adapters-cluster';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { clusterSettings } from '../../support/cluster-family.js';
import { spreadAs, type Trial } from '../trial.js';
import { fill } from './events.js';
import { inCluster } from './servers.js';

const batch = 1_000;
const lookMs = 5;
const tenant = TenantId.parse('bench');

type EventRecord = ReturnType<typeof recordOf>;

/** Publishing what is stored, beside a bare producer that sends the same records with the same settings. */
export const relayTrial: Trial = {
  name: 'relay to Kafka',
  smoke: { seconds: 0, rounds: 1, count: 200 },
  real: { seconds: 0, rounds: 5, count: 40_000 },
  run: ({ rounds, count }) =>
    inCluster(async ({ folder }) => {
      const ticks = new SystemClock();
      const settings = await clusterSettings(folder);
      const connection = await openDatabase(settings.store);
      const store = await MongoEventStore.open(connection, ticks);
      const perSecond = { relay: [] as number[], bare: [] as number[] };
      try {
        await fill(store, tenant, count);
        const records = await recordsOf(store);
        for (let round = 0; round < rounds; round++) {
          const topic = `${settings.kafka.topic}.${round}`;
          const kafka = { ...settings.kafka, topic };
          const hints = new CommitHints(settings.redis);
          const relay = new Relay({ kafka, store, connection, hints, nodeId: `bench-${round}`, ticks });
          perSecond.relay.push(await timeRelay(relay, count));
          await hints.close();
          perSecond.bare.push(await timeProducer({ ...settings.kafka, topic: `${topic}.bare` }, records));
        }
      } finally {
        await store.close();
        await connection.close();
      }
      const ratios = perSecond.relay.map((each, n) => each / (perSecond.bare[n] ?? Number.NaN));
      return [
        { name: 'bare kafkajs producer', batch, ...spreadAs('perSecond', perSecond.bare) },
        { name: 'relay', events: count, ...spreadAs('perSecond', perSecond.relay), ...spreadAs('ofBare', ratios) },
      ];
    }),
};

/** Events a second, from the first acknowledged one to the last: leases and connections are behind it by then. */
async function timeRelay(relay: Relay, count: number): Promise<number> {
  const published = async () => (await relay.status()).published;
  await relay.start();
  try {
    let first = 0;
    while (first === 0) {
      await sleep(lookMs);
      first = await published();
    }
    const begunMs = performance.now();
    let last = first;
    while (last < count) {
      await sleep(lookMs);
      last = await published();
    }
    return ((last - first) * 1_000) / (performance.now() - begunMs);
  } finally {
    await relay.close();
  }
}

async function timeProducer(
  { brokers, topic, partitions }: { brokers: readonly string[]; topic: string; partitions: number },
  records: readonly EventRecord[],
): Promise<number> {
  const kafka = new Kafka({ clientId: 'bench', brokers: [...brokers], logLevel: 0, retry: { retries: 15 } });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
  const idempotent = { idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner };
  const producer = kafka.producer(idempotent);
  await producer.connect();
  const send = (messages: readonly EventRecord[]) =>
    producer.send({ topic, acks: -1, compression: CompressionTypes.GZIP, messages: [...messages] });
  await send(records.slice(0, 1));
  const begunMs = performance.now();
  for (let done = 1; done < records.length; done += batch) await send(records.slice(done, done + batch));
  const perSecond = ((records.length - 1) * 1_000) / (performance.now() - begunMs);
  await producer.disconnect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  return perSecond;
}

async function recordsOf(store: MongoEventStore): Promise<readonly EventRecord[]> {
  const records: EventRecord[] = [];
  for (let page = await store.readLog(tenant, 0, batch); page.length > 0; ) {
    records.push(...page.map(recordOf));
    page = await store.readLog(tenant, records.length, batch);
  }
  return records;
}
