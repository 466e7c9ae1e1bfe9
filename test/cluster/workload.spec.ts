import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TenantId } from '#lib/core';
import { EventStore } from '#lib/ports';
import { chance } from '../support/chance.js';
import { family } from '../support/family.js';
import { freePort } from '../support/free-port.js';
import { run } from '../support/process.js';
import { Server } from '../support/server.js';
import { withStores } from '../support/stores.js';
import { Client } from './client.js';
import { answersOf, type Operation, outcomeOf } from './history.js';
import { findingsIn, unerasedIn } from './history-check.js';
import { withdrawUnderFire } from './linearizability.js';
import { logIn } from './stored-log.js';
import { Ward } from './ward.js';
import { Workload } from './workload.js';

const seed = Number(process.env.CHAOS_SEED ?? 1);
const tenant = TenantId.parse('here');

/** What chaos is made of, tried where nothing is broken but by a SIGKILL. */
describe('a workload and what is held against the log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-workload-'));
  let server: Server;
  afterAll(async () => {
    await server?.end('SIGKILL');
    await family.remove(folder);
  });

  it('agree, through two deaths of the server', async () => {
    const settings = { SWEEP_SECONDS: '1', PORT: String(await freePort()) };
    server = await Server.start(folder, settings);
    const { url } = server;
    const client = new Client([url], chance(seed));
    const ward = await Ward.open(client, tenant, server.adminKey);
    const plan = { seed, lanes: 6, thinkMs: 5, patienceMs: 60_000, shortMs: [1_000, 3_000] } as const;
    const workload = new Workload([ward], client, plan);
    workload.start();
    for (let death = 0; death < 2; death++) {
      await pause(2_500);
      await server.end('SIGKILL');
      server = await Server.start(folder, settings);
    }
    await pause(2_500);
    await workload.pause();
    const by = new Date().toISOString();
    await pause(3_000);
    await workload.end();
    await server.end('SIGTERM');
    client.close();

    const log = await withStores(folder, (stores) => logIn(stores.get(EventStore), tenant));
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
    const log = await withStores(folder, (stores) => logIn(stores.get(EventStore), TenantId.parse('there')));
    expect(findingsIn(history, log)).toEqual([]);
  });
});
