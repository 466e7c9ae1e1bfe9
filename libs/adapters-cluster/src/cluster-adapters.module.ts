import { type DynamicModule, Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { FolderBlobs, SystemClock, SystemRandom } from '#lib/adapters-system';
import {
  Blobs,
  Clock,
  Dependencies,
  Documents,
  EventStore,
  Feed,
  Jobs,
  KeyService,
  KeyTable,
  Nodes,
  Random,
  Vault,
} from '#lib/ports';
import { awaitServers } from './awaited-servers.js';
import { BullJobs } from './bull-jobs.adapter.js';
import { Closings } from './closings.js';
import { checksOf, figuresOf } from './cluster-dependencies.js';
import { serversOf } from './cluster-servers.js';
import type { ClusterSettings, MongoPlace } from './cluster-settings.js';
import { ClusterUpkeep } from './cluster-upkeep.js';
import { CommitHints } from './commit-hints.js';
import { KafkaFeed } from './kafka-feed.adapter.js';
import { KmsKeyService } from './kms-key-service.adapter.js';
import { FeedOfWorkers, JobsForWorkers } from './left-to-workers.js';
import { openDatabase } from './mongo-connection.js';
import { MongoDocuments } from './mongo-documents.adapter.js';
import { MongoEventStore } from './mongo-event-store.adapter.js';
import { MongoKeyTable } from './mongo-key-table.adapter.js';
import { RedisNodes } from './redis-nodes.adapter.js';
import { Relay } from './relay.js';

const waitDefaultMs = 60_000;

/** What a process of the cluster does besides answering. */
export interface ClusterDuties {
  /** Whether it publishes the log to Kafka, with the others that do. */
  readonly relay: boolean;
  /** Whether it follows the log, with the others that do, and does jobs. */
  readonly follow: boolean;
  /** How long it waits for servers that are not there yet; a minute by default. */
  readonly waitMs?: number;
  /** Where an operator is told what is waited for; the log by default. */
  readonly say?: (line: string) => void;
}

/** Every port over MongoDB, Kafka, Redis and KMS, for one of any number of processes. */
@Module({})
export class ClusterAdapters implements OnApplicationShutdown {
  constructor(@Inject(Closings) private readonly closings: Closings) {}

  /**
   * Waits for the servers, then opens everything.
   * @throws ServersMissing, UnusableTopic, KeysUnavailable, or what a client says: whatever was opened is closed again
   */
  static async open(settings: ClusterSettings, duties: ClusterDuties): Promise<DynamicModule> {
    const log = new Logger(ClusterAdapters.name);
    const ticks = new SystemClock();
    const { waitMs = waitDefaultMs, say = (line) => log.warn(line) } = duties;
    await awaitServers(serversOf(settings, duties.relay || duties.follow), { waitMs, ticks, say });
    const closings = new Closings(ticks, (line) => log.warn(line));
    try {
      return moduleOf(closings, await openParts(settings, duties, ticks, closings));
    } catch (error) {
      await closings.close();
      throw error;
    }
  }

  /** Runs once the last request is answered. */
  async onApplicationShutdown(): Promise<void> {
    await this.closings.close();
  }
}

type Parts = readonly (readonly [token: object, value: object])[];

async function openParts(
  settings: ClusterSettings,
  { relay: relays, follow: follows }: ClusterDuties,
  ticks: Clock,
  closings: Closings,
): Promise<Parts> {
  const { kafka, redis, kms, nodeId, clock = ticks } = settings;
  const random = new SystemRandom();
  const connect = (name: string, place: MongoPlace) =>
    closings.opened('connections', name, openDatabase(place), (connection) => connection.destroy());
  // One after another: what opens beside one that fails would be closed by nobody.
  const main = await connect('connection to events', settings.store);
  const vaults = await connect('connection to the vault', settings.vault);
  const keys = await connect('connection to keys', settings.keys);
  const store = await closings.opened('stores', 'event store', MongoEventStore.open(main, ticks), (part) =>
    part.close(),
  );
  const documents = await MongoDocuments.open(main, 'views', ticks);
  const vault = await MongoDocuments.open(vaults, 'vault', ticks);
  const table = await MongoKeyTable.open(keys, ticks);
  const service = await closings.opened(
    'stores',
    'key service',
    KmsKeyService.open({ kms, connection: keys, random, ticks }),
    (part) => part.close(),
  );
  const hints = await closings.opened('stores', 'hints', new CommitHints(redis), (part) => part.close());
  store.onStored((tenant) => hints.tell(tenant));
  const jobs = await closings.opened('work', 'jobs', BullJobs.open({ redis, clock, ticks }), (part) => part.close());
  const nodes = await closings.opened('work', 'nodes', RedisNodes.open({ redis, ticks, random }), (part) =>
    part.close(),
  );
  const feed = follows
    ? await closings.opened('work', 'feed', KafkaFeed.open({ kafka, store, ticks }), (part) => part.close())
    : undefined;
  const relay = relays
    ? await closings.opened(
        'work',
        'relay',
        relayOf({ kafka, store, connection: main, hints, nodeId, ticks }),
        (part) => part.close(),
      )
    : undefined;
  const parts = { store, jobs, nodes, service, feed, relay, ticks };
  return [
    [Clock, clock],
    [Random, random],
    [EventStore, store],
    [Feed, feed ?? new FeedOfWorkers()],
    [Documents, documents],
    [Vault, vault],
    [KeyTable, table],
    [KeyService, service],
    [Jobs, follows ? jobs : new JobsForWorkers(jobs)],
    [Nodes, nodes],
    [Blobs, new FolderBlobs(settings.blobsFolder, random)],
    [ClusterUpkeep, new ClusterUpkeep(kafka, jobs, random)],
    [Dependencies, new Dependencies(checksOf(parts), figuresOf(parts))],
  ];
}

/** One that could not start holds connections none the less. */
async function relayOf(settings: ConstructorParameters<typeof Relay>[0]): Promise<Relay> {
  const relay = new Relay(settings);
  try {
    await relay.start();
  } catch (error) {
    await relay.close();
    throw error;
  }
  return relay;
}

function moduleOf(closings: Closings, parts: Parts): DynamicModule {
  const providers = parts.map(([provide, useValue]) => ({ provide: provide as never, useValue }));
  return {
    module: ClusterAdapters,
    global: true,
    providers: [...providers, { provide: Closings, useValue: closings }],
    exports: providers.map(({ provide }) => provide),
  };
}
