import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Connection } from 'mongoose';
import { MongoEventStore, openDatabase } from '#lib/adapters-cluster';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { StoredEvent } from '#lib/ports';
import { type Child, childOf, kill } from '../support/child.js';
import type { Answer, Guarded, Racer } from './event-writer.js';

const processes = 8;
const ticks = new SystemClock();
const tenant = TenantId.parse('here');
const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

/** A writer in a process of its own: it opens the store, says so, and begins when it is told to. */
const writer = (uri: string, database: string, racer: Racer) =>
  childOf(`
    import { once } from 'node:events';
    import { openDatabase } from './libs/adapters-cluster/src/mongo-connection.ts';
    import { MongoEventStore } from './libs/adapters-cluster/src/mongo-event-store.adapter.ts';
    import { SystemClock } from './libs/adapters-system/src/system-clock.adapter.ts';
    import { race } from './test/cluster/event-writer.ts';

    const connection = await openDatabase({ uri: ${JSON.stringify(uri)}, database: '${database}', timeoutMs: 10_000 });
    const store = await MongoEventStore.open(connection, new SystemClock());
    process.send('ready');
    await once(process, 'message');
    const tell = (answer) => process.send(JSON.stringify(answer));
    await race(store, ${JSON.stringify(racer)}, tell);
    tell(store.counts);
    await store.close();
    await connection.close();
    process.disconnect();
  `);

const answersOf = ({ told }: Child) => told.slice(1).map((message) => JSON.parse(message) as Answer);
const storedOf = (child: Child) => answersOf(child).flatMap((answer) => ('end' in answer ? [answer] : []));

/** Every guard, held against the log itself: where the stream stood when the event that relied on it was stored. */
function brokenGuards(log: readonly StoredEvent[]): string[] {
  const revisions = new Map<string, number>();
  return log.flatMap(({ id, stream, revision, data }) => {
    const broken = (data as Guarded).guards.filter((guard) => (revisions.get(guard.stream) ?? 0) !== guard.revision);
    revisions.set(stream, revision);
    return broken.map((guard) => `${id} relied on ${guard.stream} at ${guard.revision}`);
  });
}

describe(`${processes} processes write one log`, () => {
  const uri = process.env.MONGODB_URI ?? '';
  let connection: Connection;
  let store: MongoEventStore;
  let children: Child[];
  const begin = async (appends: number) => {
    const racers = upTo(processes).map((n) => ({ tenant, name: `p${n}`, seed: n, lanes: 4, appends }));
    children = await Promise.all(racers.map((racer) => writer(uri, connection.name, racer)));
    for (const { process: child } of children) child.send('go');
  };
  const ended = () =>
    Promise.all(
      children.map(async ({ process: child }) => {
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
        return child.signalCode ?? child.exitCode;
      }),
    );

  /** Reads from a page to the next and from the first, until all is done: nothing may ever appear before what it saw. */
  async function watched(done: Promise<unknown>): Promise<readonly StoredEvent[]> {
    let isDone = false;
    void done.finally(() => (isDone = true));
    const seen: StoredEvent[] = [];
    for (let isLast = false; !isLast; ) {
      isLast = isDone;
      for (let page = await store.readLog(tenant, seen.length, 97); page.length > 0; ) {
        expect(page.map(({ sequence }) => sequence)).toEqual(upTo(page.length).map((n) => seen.length + n));
        seen.push(...page);
        page = await store.readLog(tenant, seen.length, 97);
      }
      await ticks.sleep(20);
    }
    const whole = await store.readLog(tenant, 0, 100_000);
    expect(whole.map(({ id }) => id)).toEqual(seen.map(({ id }) => id));
    expect(await store.head(tenant)).toBe(seen.length);
    return whole;
  }

  beforeEach(async () => {
    connection = await openDatabase({ uri, database: `processes-${randomUUID()}`, timeoutMs: 10_000 });
    store = await MongoEventStore.open(connection, ticks);
  });
  afterEach(async () => {
    for (const child of children) await kill(child);
    await store.close();
    await connection.dropDatabase();
    await connection.close();
  });

  it('without a gap at any moment, and no guarded commit stands behind what moved its guard', async () => {
    await begin(30);
    const log = await watched(ended());
    expect(await ended()).toEqual(children.map(() => 0));
    const stored = children.flatMap(storedOf);
    const last = new Map(log.map(({ sequence, id }) => [sequence, id]));
    expect(stored.filter(({ id, end }) => last.get(end) !== id)).toEqual([]);
    expect(new Set(log.map(({ id }) => id)).size).toBe(log.length);
    expect(brokenGuards(log)).toEqual([]);
    for (const child of children) expect(storedOf(child).length).toBeGreaterThan(5);
    const refusals = new Set(
      children.flatMap(answersOf).flatMap((answer) => ('refused' in answer ? [answer.refused] : [])),
    );
    expect(refusals).toEqual(new Set(['GuardConflict', 'RevisionConflict']));
  }, 180_000);

  it('and lose nothing that was answered when some of them are killed amid their batches', async () => {
    await begin(30);
    const done = ended();
    const killed = children.slice(0, 3);
    for (const [n, child] of killed.entries()) {
      while (storedOf(child).length < 2 * (n + 1)) await ticks.sleep(5);
      await kill(child);
    }
    const log = await watched(done);
    expect((await done).slice(3)).toEqual(children.slice(3).map(() => 0));
    const places = new Map(log.map(({ sequence, id }) => [id, sequence]));
    const stored = children.flatMap(storedOf);
    expect(stored.filter(({ id, end }) => places.get(id) !== end)).toEqual([]);
    expect(brokenGuards(log)).toEqual([]);
  }, 180_000);
});
