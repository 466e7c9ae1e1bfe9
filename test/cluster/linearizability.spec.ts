import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chance } from '../support/chance.js';
import { Client } from './client.js';
import { Cluster } from './cluster.js';
import type { Operation } from './history.js';
import { findingsIn } from './history-check.js';
import { withdrawUnderFire } from './linearizability.js';
import { Stores } from './stores.js';
import { Ward } from './ward.js';

const seed = Number(process.env.CHAOS_SEED ?? 1);
const [rounds, patientsAtOnce] = [5, 8];
/** Of each patient: 10,000 attempts begin after a withdrawal was acknowledged, and enough before. */
const underFire = { before: 25, after: 250 };

describe('withdrawal across four api processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-linear-'));
  let cluster: Cluster;
  let stores: Stores;
  beforeAll(async () => {
    cluster = await Cluster.start({ folder, apis: 4, workers: 1, random: chance(seed) });
    stores = await Stores.open(cluster.storesEnv);
  }, 300_000);
  afterAll(async () => {
    await stores?.close();
    await cluster?.end();
    rmSync(folder, { recursive: true });
  }, 120_000);

  it('is linearizable: no accept begins after one was acknowledged, and none stands after one in the log', async () => {
    const client = new Client(cluster.urls, chance(seed));
    const tenant = `linear-${randomUUID().slice(0, 8)}`;
    const ward = await Ward.open(client, tenant, cluster.adminKey);
    const history: Operation[] = [];
    const later: Operation[] = [];
    for (let round = 0; round < rounds; round++) {
      const patients = Array.from({ length: patientsAtOnce }, () =>
        withdrawUnderFire(client, ward, history, underFire),
      );
      for (const seen of await Promise.all(patients)) {
        expect(seen.accepted).toBeGreaterThan(0);
        later.push(...seen.later);
      }
    }
    client.close();

    expect(later.length).toBeGreaterThanOrEqual(10_000);
    expect(later.filter(({ answer }) => answer?.body.decision === 'accept')).toEqual([]);
    const reasons = later.map(({ answer }) => `${answer?.status} ${String(answer?.body.reason)}`);
    expect(new Set(reasons)).toEqual(new Set(['403 consent-withdrawn']));
    const servers = new Set(later.map(({ attempts }) => attempts[0]?.server));
    expect(servers.size).toBe(4);
    expect(findingsIn(history, await stores.logOf(tenant))).toEqual([]);
  }, 900_000);
});
