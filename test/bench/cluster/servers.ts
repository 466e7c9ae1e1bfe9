import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cluster } from '../../support/cluster-family.js';
import { makeRootKey } from '../../support/infra.js';
import { OwnServices } from '../../support/own-services.js';

const places = ['MONGODB_URI', 'KAFKA_BROKERS', 'REDIS_URL', 'KMS_ENDPOINT'];

/** With the servers that the environment names, or with some that are started for as long as `act` takes. */
export async function withServers(act: () => Promise<void>): Promise<void> {
  if (places.every((place) => process.env[place])) return act();
  const services = await OwnServices.up('mongo', 'kafka', 'redis', 'kms');
  Object.assign(process.env, services.env);
  try {
    await makeRootKey(services.env);
    await act();
  } finally {
    await services.down();
  }
}

/** What processes are told to find each other, and nobody else. */
export interface Site {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** With a folder and names of its own among the servers, for as long as `act` takes. */
export async function inCluster<T>(act: (site: Site) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  try {
    // What is measured is how fast it goes, not when it gives up.
    const patience = { MONGODB_TIMEOUT_MS: '10000', KMS_TIMEOUT_MS: '10000' };
    return await act({ folder, env: { ...(await cluster.environment(folder)), ...patience } });
  } finally {
    await cluster.remove(folder);
  }
}
