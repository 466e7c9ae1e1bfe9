import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SqliteEventStore } from '#lib/adapters-embedded';
import { TenantId } from '#lib/core';
import { chance } from '../support/chance.js';
import { run } from '../support/process.js';
import { Server } from '../support/server.js';
import { Client } from './client.js';
import { answersOf, type Operation, outcomeOf } from './history.js';
import { findingsIn, unerasedIn } from './history-check.js';
import { withdrawUnderFire } from './linearizability.js';
import { logIn } from './stored-log.js';
import { Ward } from './ward.js';
import { Workload } from './workload.js';

const seed = Number(process.env.CHAOS_SEED ?? 1);
const tenant = TenantId.parse('here');

/** What the chaos of the cluster is made of, tried where there is one process and one folder. */
describe('a workload and what is held against the log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-workload-'));
  let server: Server;
  afterAll(async () => {
    await server?.end('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it('agree, through two deaths of the server', async () => {
    server = await Server.start(folder, { SWEEP_SECONDS: '1' });
    const { url } = server;
    const client = new Client([url], chance(seed));
    const ward = await Ward.open(client, tenant, server.adminKey);
    const plan = { seed, lanes: 6, thinkMs: 5, patienceMs: 60_000, shortMs: [1_000, 3_000] } as const;
    const workload = new Workload([ward], client, plan);
    workload.start();
    for (let death = 0; death < 2; death++) {
      await pause(2_500);
      await server.end('SIGKILL');
      server = await Server.start(folder, { SWEEP_SECONDS: '1', PORT: new URL(url).port });
    }
    await pause(2_500);
    await workload.pause();
    const by = new Date().toISOString();
    await pause(3_000);
    await workload.end();
    await server.end('SIGTERM');
    client.close();

    const store = new SqliteEventStore(join(folder, 'events.db'));
    const log = await logIn(store, tenant);
    await store.close();
    const { operations } = workload;
    expect([...findingsIn(operations, log), ...unerasedIn(log, by)]).toEqual([]);
    const done = operations.filter((each) => outcomeOf(each) === 'done').map(({ kind }) => kind);
    expect(new Set(done)).toEqual(new Set(['register', 'refuse', 'consent', 'enrol', 'verify', 'withdraw']));
    expect(log.filter(({ type }) => type === 'template.erased').length).toBeGreaterThan(5);
    const answers = answersOf(operations, { fromMs: 0, toMs: Number.POSITIVE_INFINITY, limitMs: 10_000 });
    expect(answers).toMatchObject({ late: [], undocumented: [] });
    expect(answers.count).toBeGreaterThan(200);
    expect(await run('lethe', { DATA_FOLDER: folder }, 'doctor')).toMatchObject({ code: 0 });
  });

  it('agree about withdrawals under fire', async () => {
    server = await Server.start(folder);
    const client = new Client([server.url], chance(seed));
    const ward = await Ward.open(client, 'there', server.adminKey);
    const history: Operation[] = [];
    for (let n = 0; n < 3; n++) {
      const { accepted, later } = await withdrawUnderFire(client, ward, history, { before: 50, after: 100 });
      expect(accepted).toBeGreaterThan(20);
      expect(later.length).toBeGreaterThanOrEqual(100);
      expect(later.filter(({ answer }) => answer?.status !== 403)).toEqual([]);
    }
    await server.end('SIGTERM');
    client.close();
    const store = new SqliteEventStore(join(folder, 'events.db'));
    const log = await logIn(store, TenantId.parse('there'));
    await store.close();
    expect(findingsIn(history, log)).toEqual([]);
  });
});
