import { randomUUID } from 'node:crypto';
import type { Connection } from 'mongoose';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { type Commit, GuardConflict, RevisionConflict, StoreUnavailable } from '#lib/ports';
import { eventStoreContract } from '#lib/ports/contracts';
import { openDatabase } from './mongo-connection.js';
import { MongoEventStore } from './mongo-event-store.adapter.js';

const ticks = new SystemClock();
const place = (timeoutMs = 20_000) => {
  return { uri: process.env.MONGODB_URI ?? '', database: `store-${randomUUID()}`, timeoutMs };
};

eventStoreContract(async () => {
  const connection = await openDatabase(place());
  const store = await MongoEventStore.open(connection, ticks);
  const close = async () => {
    await store.close();
    await connection.dropDatabase();
    await connection.close();
  };
  return { store, close };
});

const tenant = TenantId.parse('here');
const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);
const fact = (data: unknown = {}, version = 1) => ({
  id: randomUUID(),
  type: 'test.counted',
  version,
  data,
  at: '2026-01-01T00:00:00.000Z',
  actor: 'tester',
});
const commitTo = (stream: string, { expected = 0, events = [fact()], ...rest }: Partial<Commit> = {}): Commit => {
  return { tenant, stream, expected, events, ...rest };
};

describe('MongoEventStore', () => {
  const where = place();
  const connections: Connection[] = [];
  let store: MongoEventStore;
  const open = async () => {
    const connection = await openDatabase(where);
    connections.push(connection);
    return MongoEventStore.open(connection, ticks);
  };
  const log = async (after = 0, limit = 5_000) =>
    (await store.readLog(tenant, after, limit)).map(({ sequence }) => sequence);

  beforeEach(async () => {
    store = await open();
  });
  afterEach(async () => {
    await store.close();
    await connections[0]?.dropDatabase();
    for (const connection of connections.splice(0)) await connection.close();
  });

  it('answers with what is stored to the byte, whatever a database would make of it', async () => {
    const data = { 2: -0.1, 1: 2 ** 40, 'a.b': null, $set: ['\ud800', 1e21], deep: { __v: [] }, at: '2026-01-01' };
    await store.append(commitTo('a', { events: [fact(data)] }));
    const [read] = await store.read(tenant, 'a');
    expect(JSON.stringify(read?.data)).toBe(JSON.stringify(data));
  });

  it('goes on where another process left off, and where it is overtaken', async () => {
    const other = await open();
    for (const n of upTo(5)) {
      expect(await store.append(commitTo(`mine-${n}`))).toBe(2 * n - 1);
      expect(await other.append(commitTo(`theirs-${n}`))).toBe(2 * n);
    }
    expect([store.counts.conflictRetries, other.counts.conflictRetries]).toEqual([4, 4]);
    await Promise.all(upTo(2_500).map((n) => other.append(commitTo(`many-${n}`))));
    expect(await store.append(commitTo('at-last'))).toBe(2_511);
    expect(await log()).toEqual(upTo(2_511));
    await other.close();
  });

  it('tells who moved a guard or a stream in another process, and who only repeats', async () => {
    const other = await open();
    await store.append(commitTo('consent'));
    const guards = [{ stream: 'consent', revision: 1 }];
    const accepted = commitTo('match-1', { guards });
    expect(await store.append(accepted)).toBe(2);
    expect(await other.append(commitTo('consent', { expected: 1 }))).toBe(3);
    const results = await Promise.allSettled([
      store.append(commitTo('match-2', { guards })),
      store.append(accepted),
      store.append(commitTo('consent', { expected: 1 })),
      store.append(commitTo('beside')),
      other.append(accepted),
    ]);
    expect(results).toEqual([
      { status: 'rejected', reason: expect.any(GuardConflict) },
      { status: 'fulfilled', value: 2 },
      { status: 'rejected', reason: expect.objectContaining({ name: 'RevisionConflict' }) },
      { status: 'fulfilled', value: 4 },
      { status: 'fulfilled', value: 2 },
    ]);
    await other.close();
  });

  it('puts every commit of two racing processes in its place once, and moves no guard under a commit', async () => {
    const other = await open();
    await store.append(commitTo('consent'));
    const guards = [{ stream: 'consent', revision: 1 }];
    const racing = [store, other].flatMap((each, k) =>
      upTo(100).map(async (n) => {
        if (n === 50 && k === 0) return each.append(commitTo('consent', { expected: 1 }));
        await ticks.sleep(n % 7);
        return each.append(commitTo(`match-${k}-${n}`, { guards })).catch((error: unknown) => {
          if (!(error instanceof GuardConflict)) throw error;
          return 0;
        });
      }),
    );
    const places = (await Promise.all(racing)).filter((sequence) => sequence > 0);
    const [, moved] = await store.read(tenant, 'consent');
    expect(Math.max(...places)).toBe(moved?.sequence);
    expect(places.sort((a, b) => a - b)).toEqual(upTo(places.length + 1).slice(1));
    expect(await log()).toEqual(upTo(places.length + 1));
    await other.close();
  });

  it('fails one commit of a batch alone, whoever is at fault', async () => {
    const appends = [
      commitTo('a'),
      commitTo('b', { events: [fact(1n)] }),
      commitTo('c', { events: [fact({}, 1.5)] }),
      commitTo('d', { events: [] }),
      commitTo('e', { events: upTo(1_001).map(() => fact()) }),
      commitTo('f', { events: [fact('x'.repeat(12 * 1024 * 1024))] }),
      commitTo('g', { events: [fact('x'.repeat(11 * 1024 * 1024))] }),
      commitTo('h', { events: [fact('ä'.repeat(5 * 1024 * 1024))] }),
      commitTo('i', { events: upTo(1_000).map(() => fact()) }),
    ];
    const results = await Promise.allSettled(appends.map((commit) => store.append(commit)));
    const told = results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message));
    expect(told).toEqual([
      1,
      expect.stringContaining('BigInt'),
      'an event of c whose version is no whole number',
      'a commit to d without an event',
      'a commit to e of more than 1000 events',
      'a commit to f of more than 12582912 bytes',
      2,
      3,
      1_003,
    ]);
  });

  it('pages through long commits, at any place and of any length', async () => {
    for (const count of [1, 400, 1_000, 2, 999]) {
      await store.append(commitTo(`of-${count}`, { events: upTo(count).map(() => fact()) }));
    }
    const fresh = await open();
    for (const [after, limit] of [
      [0, 1],
      [1, 10],
      [2, 10],
      [400, 3],
      [401, 2_000],
      [1_399, 5],
      [1_402, 1],
      [2_401, 10],
      [2_402, 10],
      [9_999, 10],
    ] as const) {
      const page = await fresh.readLog(tenant, after, limit);
      expect(page.map(({ sequence }) => sequence)).toEqual(upTo(2_402).slice(after, after + limit));
    }
    expect(await fresh.head(tenant)).toBe(2_402);
    await fresh.close();
  });

  it('ends a page at a gap, and a stream at one', async () => {
    for (const n of upTo(4)) await store.append(commitTo('a', { expected: n - 1 }));
    // As a scan sees it that passes a place before it is taken and comes to the next after that was.
    await connections[0]?.collection('commits').deleteOne({ tenant, first: 3 });
    expect([await log(), await log(1), await log(2), (await store.read(tenant, 'a')).length]).toEqual([
      [1, 2],
      [2],
      [],
      2,
    ]);
  });

  it('tells its listeners of tenants whose commits are durable', async () => {
    const told: string[] = [];
    store.onStored((name) => told.push(name));
    await store.append(commitTo('a'));
    await expect(store.append(commitTo('a'))).rejects.toBeInstanceOf(RevisionConflict);
    await store.append({ ...commitTo('a'), tenant: TenantId.parse('there') });
    expect(told).toEqual(['here', 'there']);
  });

  it('turns appends away when too many are waiting, and keeps those that wait', async () => {
    const results = await Promise.allSettled(upTo(10_001).map((n) => store.append(commitTo(`s-${n}`))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10_000);
    expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) });
  });

  it('stores what waits when it is closed, then takes no more', async () => {
    const waits = upTo(5).map((n) => store.append(commitTo(`s-${n}`)));
    const closed = store.close();
    await expect(store.append(commitTo('late'))).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await Promise.all(waits)).toEqual(upTo(5));
    await closed;
  });
});
