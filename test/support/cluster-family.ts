import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterAdapters, type ClusterSettings, clusterEnvironment, placesOf } from '#lib/adapters-cluster';
import type { Clock } from '#lib/ports';
import { dropNames, dropViews, type Names } from './cluster-names.js';
import type { Family } from './family-of-adapters.js';

const partitions = 4;
/** Longer than where patients wait: what is slow here is a machine that runs everything at once. */
const timeoutMs = 5_000;

/** Names of their own among servers that others use too. */
const namesOf = (name: string): Names => ({
  databases: { store: name, vault: `${name}-vault`, keys: `${name}-keys` },
  topic: `${name}.events`,
  group: name,
  prefix: `${name}:`,
});

/** Those of a folder: always the same ones. */
const namesFor = (folder: string): Names =>
  namesOf(`lethe-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`);

/** Without an address the SDK would go to AWS. */
function assertPlaces(): void {
  const missing = ['MONGODB_URI', 'KAFKA_BROKERS', 'REDIS_URL', 'KMS_ENDPOINT', 'AWS_REGION'].filter(
    (name) => !process.env[name],
  );
  if (missing.length > 0) throw new Error(`${missing.join(', ')} not set: npm run test:cluster`);
}

const environmentOf = ({ databases, topic, group, prefix }: Names) => ({
  MONGODB_DATABASE: databases.store,
  VAULT_MONGODB_DATABASE: databases.vault,
  KEYS_MONGODB_DATABASE: databases.keys,
  KAFKA_TOPIC: topic,
  KAFKA_GROUP: group,
  KAFKA_PARTITIONS: String(partitions),
  REDIS_PREFIX: prefix,
  MONGODB_TIMEOUT_MS: String(timeoutMs),
  KMS_TIMEOUT_MS: String(timeoutMs),
});

/** As processes with these names would be told. */
function settingsOf(names: Names, blobsFolder: string, clock?: Clock): ClusterSettings {
  assertPlaces();
  const settings = clusterEnvironment({}).parse({ ...process.env, ...environmentOf(names) });
  return { ...placesOf(settings, { blobsFolder }), ...(clock && { clock }) };
}

/** Where the servers of a folder are, for who opens parts of the family by themselves. */
export const clusterSettings = async (folder: string): Promise<ClusterSettings> =>
  settingsOf(namesFor(folder), join(folder, 'blobs'));

/** An api and a worker, over names of their own among the servers that the environment names. */
export const cluster: Family = {
  name: 'cluster',
  // Of the client of Kafka, about itself.
  flags: ['--disable-warning=TimeoutNegativeWarning'],
  api: { file: 'apps/api/src/main.cluster.js', ready: /^(http:\S+)\/docs$/m },
  beside: [{ file: 'apps/worker/src/main.cluster.js', ready: /^(http:\S+)\/readyz$/m }],
  lethe: 'apps/ops/src/main.cluster.js',
  dependencies: ['nodes', 'jobs', 'kafka'],
  open: async (clock) => {
    const names = namesOf(`lethe-${randomUUID().slice(0, 12)}`);
    const folder = mkdtempSync(join(tmpdir(), 'lethe-blobs-'));
    const adapters = await ClusterAdapters.open(settingsOf(names, folder, clock), { relay: true, follow: true });
    const drop = async () => {
      await dropNames(names);
      rmSync(folder, { recursive: true, force: true });
    };
    return { adapters, drop };
  },
  environment: async (folder) => {
    assertPlaces();
    return environmentOf(namesFor(folder));
  },
  openFolder: async (folder) =>
    ClusterAdapters.open(settingsOf(namesFor(folder), join(folder, 'blobs')), { relay: false, follow: false }),
  keep: async (folder) => folder,
  loseViews: async (folder) => dropViews(namesFor(folder)),
  remove: async (folder) => {
    await dropNames(namesFor(folder));
    rmSync(folder, { recursive: true, force: true });
  },
};
