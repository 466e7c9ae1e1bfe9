import { randomUUID } from 'node:crypto';
import type { Connection } from 'mongoose';
import { MongoEventStore, openDatabase } from '#lib/adapters-cluster';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { type Commit, type EventStore, RevisionConflict, StoreUnavailable } from '#lib/ports';
import { OwnServices } from '../support/own-services.js';
import { AnswerThief } from './answer-thief.js';

const ticks = new SystemClock();
const timeoutMs = 1_500;
/** Nothing takes this long, not on a busy machine either, that is not waited for without an end. */
const endlessMs = 20_000;
const tenant = TenantId.parse('here');
const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);
const commitTo = (stream: string, expected = 0, rest: Partial<Commit> = {}): Commit => {
  const [type, version, at, actor] = ['test.counted', 1, '2026-01-01T00:00:00.000Z', 'tester'] as const;
  return { tenant, stream, expected, events: [{ id: randomUUID(), type, version, data: {}, at, actor }], ...rest };
};

/** How inserts go wrong. What was not stored, and what was stored without being told, must end alike. */
const faults = {
  'the connection is cut before it is done': { closeConnection: true },
  'the server is shutting down': { errorCode: 91 },
  'the server is no primary any more': { errorCode: 10_107 },
  'it is interrupted': { errorCode: 11_600 },
  'it is done, and the majority is said not to have it': {
    writeConcernError: { code: 64, errmsg: 'waiting timed out' },
  },
  'it is slow': { blockConnection: true, blockTimeMS: timeoutMs / 4 },
  'it is done after its answer was given up': { blockConnection: true, blockTimeMS: timeoutMs * 1.1 },
};

describe('MongoEventStore over a server that fails', () => {
  let services: OwnServices;
  let admin: Connection;
  let connection: Connection;
  let store: MongoEventStore;
  const failing = (data: object, mode: object | 'off' = { times: 1 }) =>
    admin
      .getClient()
      .db('admin')
      .command({
        configureFailPoint: 'failCommand',
        mode,
        ...(mode !== 'off' && { data: { failCommands: ['insert'], ...data } }),
      });
  const logOf = async (of: EventStore = store) => (await of.readLog(tenant, 0, 10_000)).map(({ id }) => id);
  const idOf = ({ events }: Commit) => events[0]?.id;

  beforeAll(async () => {
    services = await OwnServices.up('mongo');
  });
  afterAll(() => services.down());
  beforeEach(async () => {
    const uri = services.env.MONGODB_URI ?? '';
    const database = `faults-${randomUUID()}`;
    admin = await openDatabase({ uri, database, timeoutMs: endlessMs });
    const first = await MongoEventStore.open(admin, ticks);
    await first.append(commitTo('consent'));
    await first.close();
    connection = await openDatabase({ uri, database, timeoutMs });
    store = await MongoEventStore.open(connection, ticks);
  });
  afterEach(async () => {
    await failing({}, 'off');
    await store.close();
    await connection.close();
    await admin.dropDatabase();
    await admin.close();
  });

  describe.each(Object.entries(faults))('when %s', (_, fault) => {
    it.each([1, 2])('%s times, stores every commit of the batch once', async (times) => {
      await failing(fault, { times });
      const guards = [{ stream: 'consent', revision: 1 }];
      const commits = upTo(20).map((n) => commitTo(`s-${n}`, 0, { guards }));
      const results = await Promise.allSettled(commits.map((commit) => store.append(commit)));
      await failing({}, 'off');
      for (const [n, result] of results.entries()) {
        const told = result.status === 'fulfilled' ? result.value : result.reason.name;
        expect([n + 2, 'StoreUnavailable']).toContain(told);
      }
      // As whoever got no answer does, and as whoever lost it on the way.
      expect(await Promise.all(commits.map((commit) => store.append(commit)))).toEqual(upTo(20).map((n) => n + 1));
      expect((await logOf()).slice(1)).toEqual(commits.map(idOf));
    });

    it('and another writes meanwhile, leaves no gap and nothing twice', async () => {
      const second = await openDatabase({ uri: services.env.MONGODB_URI ?? '', database: connection.name, timeoutMs });
      const other = await MongoEventStore.open(second, ticks);
      await failing(fault, { times: 3 });
      const commits = upTo(60).map((n) => commitTo(`s-${n}`));
      const until = async (commit: Commit, n: number) => {
        await ticks.sleep(n * 5);
        for (;;) {
          try {
            return await (n % 2 ? store : other).append(commit);
          } catch (error) {
            if (!(error instanceof StoreUnavailable)) throw error;
          }
        }
      };
      const places = await Promise.all(commits.map(until));
      expect([...places].sort((a, b) => a - b)).toEqual(upTo(60).map((n) => n + 1));
      const log = await logOf(other);
      expect(places.map((sequence) => log[sequence - 1])).toEqual(commits.map(idOf));
      await other.close();
      await second.close();
    });
  });

  describe('when an insert is done and its answer is lost', () => {
    let thief: AnswerThief;
    let behind: Connection;
    let robbed: MongoEventStore;
    beforeEach(async () => {
      thief = await AnswerThief.before(services.env.MONGODB_URI ?? '');
      behind = await openDatabase({ uri: thief.uri, database: connection.name, timeoutMs: endlessMs });
      robbed = await MongoEventStore.open(behind, ticks);
    });
    afterEach(async () => {
      await robbed.close();
      await behind.close();
      thief.close();
    });

    it('finds out and answers as if it had not been', async () => {
      const guards = [{ stream: 'consent', revision: 1 }];
      const commits = upTo(20).map((n) => commitTo(`s-${n}`, 0, { guards }));
      thief.steal(1);
      expect(await Promise.all(commits.map((commit) => robbed.append(commit)))).toEqual(upTo(20).map((n) => n + 1));
      thief.steal(1);
      expect(await robbed.append(commitTo('consent', 1))).toBe(22);
      expect(robbed.counts).toEqual({ batches: 2, unknownOutcomes: 2, conflictRetries: 0 });
      expect((await logOf()).slice(1, 21)).toEqual(commits.map(idOf));
    });

    it('finds out too when others have written behind it', async () => {
      let isWriting = true;
      const writing = async () => {
        for (let n = 0; isWriting; n++) await store.append(commitTo('busy', n));
      };
      const busy = writing();
      const commits = upTo(8).map((n) => commitTo(`s-${n}`));
      for (const commit of commits) {
        thief.steal(1);
        const end = await robbed.append(commit);
        expect((await logOf())[end - 1]).toBe(idOf(commit));
      }
      isWriting = false;
      await busy;
      const log = await logOf();
      expect(new Set(log).size).toBe(log.length);
      expect(log.filter((id) => commits.some((commit) => idOf(commit) === id))).toEqual(commits.map(idOf));
    });
  });

  it('tells from others by its index who lost the race for a stream, and lets the rest of the batch pass', async () => {
    const second = await openDatabase({ uri: services.env.MONGODB_URI ?? '', database: connection.name, timeoutMs });
    const other = await MongoEventStore.open(second, ticks);
    await other.append(commitTo('a'));
    await store.head(tenant);
    const results = await Promise.allSettled(['b', 'a', 'c'].map((stream) => store.append(commitTo(stream))));
    expect(results).toEqual([
      { status: 'fulfilled', value: 3 },
      { status: 'rejected', reason: expect.any(RevisionConflict) },
      { status: 'fulfilled', value: 4 },
    ]);
    expect(store.counts.conflictRetries).toBe(0);
    await other.close();
    await second.close();
  });

  it('answers in time that it does not know, goes on as soon as the server does, and counts what was unknown', async () => {
    await failing({ closeConnection: true }, { times: 1_000 });
    const lost = commitTo('lost');
    const begunMs = performance.now();
    await expect(store.append(lost)).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: `the event store did not answer in ${timeoutMs} ms`,
    });
    expect(performance.now() - begunMs).toBeLessThan(endlessMs);
    await failing({}, 'off');
    expect(store.counts.unknownOutcomes).toBeGreaterThan(1);
    expect(await store.append(commitTo('next'))).toBeGreaterThan(1);
    expect(await store.append(lost)).toBeGreaterThan(1);
    expect(await logOf()).toHaveLength(3);
  });

  it('fails what a server refuses for itself alone', async () => {
    await admin.db?.command({ collMod: 'commits', validator: { stream: { $ne: 'unwanted' } } });
    const results = await Promise.allSettled(['a', 'unwanted', 'b'].map((stream) => store.append(commitTo(stream))));
    expect(results).toEqual([
      { status: 'fulfilled', value: 2 },
      { status: 'rejected', reason: expect.any(StoreUnavailable) },
      { status: 'fulfilled', value: 3 },
    ]);
  });

  it('answers in time while the server is down, also reads, and loses nothing when it was killed', async () => {
    const answered: (string | undefined)[] = [];
    let isWriting = true;
    const writer = async (lane: number) => {
      for (let n = 0; isWriting; n++) {
        const commit = commitTo(`s-${lane}-${n}`);
        const begunMs = performance.now();
        try {
          await store.append(commit);
          answered.push(idOf(commit));
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error;
          await ticks.sleep(20);
        }
        expect(performance.now() - begunMs).toBeLessThan(endlessMs);
      }
    };
    const writers = Promise.all(upTo(8).map(writer));
    await ticks.sleep(300);
    await services.kill('mongo');
    const before = answered.length;
    await expect(store.head(tenant)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.readLog(tenant, 0, 10)).rejects.toBeInstanceOf(StoreUnavailable);
    await services.start('mongo');
    // By itself: nobody is told that it is there again.
    while (answered.length <= before) await ticks.sleep(20);
    isWriting = false;
    await writers;
    const log = await logOf();
    expect(new Set(log).size).toBe(log.length);
    expect(answered.filter((id) => !log.includes(id ?? ''))).toEqual([]);
  });
});
