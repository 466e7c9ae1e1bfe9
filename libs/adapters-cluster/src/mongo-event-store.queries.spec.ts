import { randomUUID } from 'node:crypto';
import mongoose, { type Connection } from 'mongoose';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { GuardConflict } from '#lib/ports';
import { MongoEventStore } from './mongo-event-store.adapter.js';

const tenant = TenantId.parse('here');
const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);
const fact = () => {
  return {
    id: randomUUID(),
    type: 'test.counted',
    version: 1,
    data: {},
    at: '2026-01-01T00:00:00.000Z',
    actor: 'tester',
  };
};

type Fields = Record<string, unknown>;

interface Sent extends Fields {
  readonly find?: string;
  readonly insert?: string;
  readonly filter: Fields;
  readonly sort?: Fields;
  readonly limit?: number;
}

/** Whether no server needs to read more for it than keys that were named, or ranges of them with two ends. */
function isBounded(filter: Fields): boolean {
  return Object.entries(filter).every(([field, wanted]) => {
    if (field === '$or') return (wanted as Fields[]).every(isBounded);
    if (typeof wanted !== 'object' || wanted === null) return true;
    const operators = Object.keys(wanted).sort().join();
    return ['$in', '$gt,$lte', '$gte,$lt'].includes(operators);
  });
}

describe('MongoEventStore asks', () => {
  const sent: Sent[] = [];
  let connection: Connection;
  let store: MongoEventStore;
  const append = (stream: string, expected = 0, guards = [] as { stream: string; revision: number }[], count = 1) =>
    store.append({ tenant, stream, expected, events: upTo(count).map(fact), guards });
  /** What was sent meanwhile: 'find' and 'insert', in their order. */
  const trips = async (act: () => Promise<unknown>) => {
    const before = sent.length;
    await act();
    return sent.slice(before).map((command) => Object.keys(command)[0]);
  };

  beforeAll(async () => {
    const dbName = `queries-${randomUUID()}`;
    // Of a direct connection the driver says that it would take a secondary: there is nothing to choose from.
    const uri = process.env.MONGODB_URI?.replace('directConnection=true', '') ?? '';
    connection = await mongoose
      .createConnection(uri, { dbName, monitorCommands: true, bufferCommands: false })
      .asPromise();
    connection.getClient().on('commandStarted', ({ commandName, command }) => {
      if (['find', 'insert', 'getMore', 'aggregate', 'update', 'delete'].includes(commandName))
        sent.push(command as Sent);
    });
    store = await MongoEventStore.open(connection, new SystemClock());
  });
  afterAll(async () => {
    await store.close();
    await connection.dropDatabase();
    await connection.close();
  });

  it('once for what many writers rely on, and inserts once what they store', async () => {
    expect(await trips(() => append('consent'))).toEqual(['find', 'insert']);
    expect(await trips(() => append('consent', 1))).toEqual(['insert']);
    const guards = [
      { stream: 'consent', revision: 2 },
      { stream: 'purpose', revision: 0 },
    ];
    const writers = (from: number) => Promise.all(upTo(64).map((n) => append(`match-${from + n}`, 0, guards)));
    expect(await trips(() => writers(0))).toEqual(['find', 'insert']);
    expect(sent.at(-2)?.filter.$or).toHaveLength(2);
    expect(await trips(() => Promise.all(upTo(64).map((n) => append(`match-${n}`, 1))))).toEqual(['insert']);
  });

  it('once to read, however many streams, and once for each page of the log and for its end', async () => {
    expect(await trips(() => store.readMany(tenant, ['consent', 'match-1', 'never', 'match-2']))).toEqual(['find']);
    expect(await trips(() => store.read(tenant, 'consent'))).toEqual(['find']);
    expect(await trips(() => store.readLog(tenant, 0, 50))).toEqual(['find']);
    expect(await trips(() => store.readLog(tenant, 50, 500))).toEqual(['find']);
    expect(await trips(() => store.readLog(tenant, 130, 500))).toEqual(['find']);
    expect(await trips(() => store.head(tenant))).toEqual(['find']);
    expect(await trips(() => store.readMany(tenant, []))).toEqual([]);
  });

  it('once where it has to refuse: whether it is a repeat', async () => {
    const refused = () => append('match-100', 0, [{ stream: 'consent', revision: 1 }]);
    expect(await trips(() => expect(refused()).rejects.toBeInstanceOf(GuardConflict))).toEqual(['find']);
  });

  it('for keys that are named or ranges with two ends, which an index answers, of a majority at the primary', async () => {
    await append('long', 0, [], 1_000);
    const fresh = await MongoEventStore.open(connection, new SystemClock());
    await fresh.append({ tenant, stream: 'long', expected: 1_000, events: [fact()] });
    await fresh.readLog(tenant, 400, 10);
    await fresh.tenants();
    await fresh.close();
    const inserts = sent.filter(({ insert }) => insert);
    const finds = sent.filter(({ find }) => find);
    expect(inserts.length + finds.length).toBe(sent.length);
    for (const command of inserts) {
      expect(command).toMatchObject({ ordered: true, writeConcern: { w: 'majority', j: true } });
    }
    for (const command of finds) {
      expect(command).toMatchObject({ find: 'commits', readConcern: { level: 'majority' } });
      expect(command).not.toHaveProperty('$readPreference');
      expect({ filter: command.filter, isBounded: isBounded(command.filter) }).toMatchObject({ isBounded: true });
      const { find, filter, sort, limit } = command;
      const explained = await connection.db?.command({
        explain: { find, filter, ...(sort && { sort }), ...(limit && { limit }) },
      });
      const plan = JSON.stringify(explained?.queryPlanner.winningPlan);
      expect(plan).toMatch(/"indexName":"(log|stream|tenants)"/);
      expect(plan).not.toMatch(/COLLSCAN|"SORT"/);
    }
  });
});
