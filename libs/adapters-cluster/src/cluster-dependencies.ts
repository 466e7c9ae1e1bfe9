import type { Check, Clock, Figure, Reported } from '#lib/ports';
import type { BullJobs } from './bull-jobs.adapter.js';
import type { KafkaFeed } from './kafka-feed.adapter.js';
import type { KmsKeyService } from './kms-key-service.adapter.js';
import type { MongoEventStore } from './mongo-event-store.adapter.js';
import type { RedisNodes } from './redis-nodes.adapter.js';
import type { Relay } from './relay.js';

const readMaxMs = 1_000;

/** What a process of the cluster stands on beyond what the ports say of themselves. */
export interface Standing {
  readonly store: MongoEventStore;
  readonly jobs: BullJobs;
  readonly nodes: RedisNodes;
  readonly service: KmsKeyService;
  readonly feed: KafkaFeed | undefined;
  readonly relay: Relay | undefined;
  readonly ticks: Clock;
}

/**
 * What the checks of the ports do not see. Redis takes no promise from an api: without a lease every match is answered by
 * another method, as P12 has it, and all else goes on. Nor does Kafka: an api does not know it.
 */
export function checksOf({ jobs, nodes, feed }: Standing): readonly Check[] {
  const checks: Check[] = [
    {
      name: 'nodes',
      promises: { api: [], worker: ['P5'] },
      without: 'without a lease a match is answered by another method; erasures wait for nodes to acknowledge',
      run: () => nodes.check(),
    },
    {
      name: 'jobs',
      promises: { api: [], worker: [] },
      without: 'what is due is done by the next sweep',
      run: () => jobs.waiting(),
    },
  ];
  const kafka: Check = {
    name: 'kafka',
    promises: { api: [], worker: ['P5', 'P8'] },
    without: 'events are published late and views stand still: what is due is found late',
    run: async () => feed?.check(),
  };
  return feed ? [...checks, kafka] : checks;
}

type ReadingsOf = readonly [name: Figure['name'], help: string, read: () => Reported | Promise<Reported>];

/** docs/metrics.md has a row for each. */
export function figuresOf({ store, jobs, nodes, service, feed, relay, ticks }: Standing): readonly Figure[] {
  const { counts } = store;
  const { readings } = service;
  const counters: ReadingsOf[] = [
    ['lethe_store_batches_total', 'Batches of commits sent to the event store', () => counts.batches],
    [
      'lethe_store_conflict_retries_total',
      'Batches begun again, as another process was first',
      () => counts.conflictRetries,
    ],
    [
      'lethe_store_unknown_outcomes_total',
      'Batches whose answer was lost, or did not say',
      () => counts.unknownOutcomes,
    ],
    ['lethe_kms_calls_total', 'Requests to the KMS', () => readings.calls],
    ['lethe_kms_failures_total', 'Requests to the KMS that were refused or given up', () => readings.failures],
    [
      'lethe_kms_throttled_total',
      'Requests to the KMS turned away because there were too many',
      () => readings.throttled,
    ],
    ['lethe_kms_seconds_total', 'How long requests to the KMS took, together', () => readings.latencySumMs / 1_000],
    ['lethe_node_fences_total', 'How often a matcher of this process lost its lease', () => nodes.counts.fences],
    ['lethe_jobs_total', 'What became of jobs that ran here', () => outcomesOf(jobs)],
  ];
  const gauges: ReadingsOf[] = [
    ['lethe_jobs_dead', 'Jobs given up after their last attempt', async () => (await jobs.deadLetters(1)).count],
    ['lethe_node_leased', 'Whether the matchers of this process hold their leases', () => isLeased(nodes)],
  ];
  if (feed) {
    gauges.push([
      'lethe_kafka_lag_records',
      'Records that the feed of this process has not come to yet',
      () => feed.lag(),
    ]);
    counters.push(['lethe_kafka_foreign_total', 'Records in the topic that were none of ours', () => feed.foreign]);
  }
  if (relay) addRelay(relay, gauges, counters);
  const told = (kind: Figure['kind'], [name, help, read]: ReadingsOf): Figure => ({
    name,
    help,
    kind,
    ...(name === 'lethe_jobs_total' && { label: 'outcome' }),
    read: () => inTime(read, ticks),
  });
  return [...counters.map((each) => told('counter', each)), ...gauges.map((each) => told('gauge', each))];
}

function addRelay(relay: Relay, gauges: ReadingsOf[], counters: ReadingsOf[]): void {
  gauges.push(
    [
      'lethe_relay_shares',
      'Shares of the tenants that this process publishes',
      async () => (await relay.status()).shares,
    ],
    ['lethe_relay_behind_events', 'Events stored and not published yet', async () => (await relay.status()).behind],
    [
      'lethe_relay_oldest_seconds',
      'Age of the oldest event not published',
      async () => (await relay.status()).oldestMs / 1_000,
    ],
  );
  counters.push(
    ['lethe_relay_published_total', 'Events published by this process', async () => (await relay.status()).published],
    ['lethe_relay_failures_total', 'Attempts to publish that failed', async () => (await relay.status()).failures],
  );
}

const outcomesOf = ({ counts: { done, failures, deadLetters, stalled } }: BullJobs): Reported =>
  new Map(Object.entries({ done, failed: failures, dead: deadLetters, stalled }));

const isLeased = (nodes: RedisNodes): Promise<number> =>
  nodes.check().then(
    () => 1,
    () => 0,
  );

/** So that whoever collects figures is never kept waiting by one of them. */
async function inTime<T>(read: () => T | Promise<T>, ticks: Clock): Promise<T> {
  const over = new AbortController();
  const late = ticks.sleep(readMaxMs, over.signal).then(() => {
    throw new Error('too late');
  });
  try {
    return await Promise.race([read(), late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}
