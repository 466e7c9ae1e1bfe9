import { randomUUID } from 'node:crypto';
import type { Connection } from 'mongoose';
import { MongoEventStore, openDatabase } from '#lib/adapters-cluster';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { Guard, NewEvent } from '#lib/ports';
import { spreadAs, type Trial } from '../trial.js';

const writers = 64;
const timeoutMs = 30_000;
const tenant = TenantId.parse('here');
const lanes = Array.from({ length: writers }, (_, lane) => lane);

/** What the event store costs beside the bare insert of the same documents: one event each, some 400 bytes. */
export const appendTrial: Trial = {
  name: 'appends to the event store of the cluster',
  smoke: { seconds: 0.2, rounds: 1, count: 0 },
  real: { seconds: 4, rounds: 7, count: 0 },
  run: ({ seconds, rounds }) =>
    inDatabase(async (connection, store) => {
      const kinds = { bare: [] as number[], plain: [] as number[], guarded: [] as number[], large: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        kinds.bare.push(await inserting(connection, writers, seconds));
        kinds.plain.push(await appending(store, seconds, []));
        kinds.guarded.push(await appending(store, seconds, await reliedOn(store)));
        kinds.large.push(await inserting(connection, 1_000, seconds));
      }
      const ratio = (values: readonly number[]) =>
        spreadAs(
          'ofBareInsertMany',
          values.map((perSecond, n) => perSecond / (kinds.bare[n] ?? 0)),
        );
      return [
        { name: `bare insertMany, ${writers} documents`, ...spreadAs('perSecond', kinds.bare) },
        { name: 'bare insertMany, 1000 documents', ...spreadAs('perSecond', kinds.large) },
        { name: 'append', writers, ...spreadAs('perSecond', kinds.plain), ...ratio(kinds.plain) },
        { name: 'append with two guards', writers, ...spreadAs('perSecond', kinds.guarded), ...ratio(kinds.guarded) },
      ];
    }),
};

async function inDatabase<T>(act: (connection: Connection, store: MongoEventStore) => Promise<T>): Promise<T> {
  const uri = process.env.MONGODB_URI ?? '';
  const connection = await openDatabase({ uri, database: `bench-${randomUUID()}`, timeoutMs });
  const store = await MongoEventStore.open(connection, new SystemClock());
  try {
    return await act(connection, store);
  } finally {
    await store.close();
    await connection.dropDatabase();
    await connection.close();
  }
}

/** Each writer appends to a stream of its own, the next when it was answered. How many a second. */
async function appending(store: MongoEventStore, seconds: number, guards: readonly Guard[]): Promise<number> {
  const run = randomUUID();
  return perSecond(seconds, (isOver) => {
    const write = async (lane: number) => {
      const stream = `match-${run}-${lane}`;
      let expected = 0;
      for (; !isOver(); expected++) await store.append({ tenant, stream, expected, events: [event()], guards });
      return expected;
    };
    return Promise.all(lanes.map(write));
  });
}

/** Streams that every writer relies on, as accepts do. */
async function reliedOn(store: MongoEventStore): Promise<Guard[]> {
  const streams = ['consent', 'purpose'].map((kind) => `${kind}-${randomUUID()}`);
  for (const stream of streams) await store.append({ tenant, stream, expected: 0, events: [event()] });
  return streams.map((stream) => ({ stream, revision: 1 }));
}

/** The floor: the same documents, under the same indexes, as the log of another tenant. */
async function inserting(connection: Connection, count: number, seconds: number): Promise<number> {
  const other = randomUUID();
  const commits = connection.collection('commits');
  let first = 0;
  return perSecond(seconds, async (isOver) => {
    for (let base = 0; !isOver(); base++) {
      const documents = Array.from({ length: count }, (_, lane) => {
        const { data, ...rest } = event();
        const stream = `match-${other}-${lane}`;
        first++;
        const place = { tenant: other, stream, base, last: base + 1, first, end: first };
        return { ...place, events: [{ ...rest, data: JSON.stringify(data) }] };
      });
      await commits.insertMany(documents, { ordered: true });
    }
    return [first];
  });
}

async function perSecond(seconds: number, run: (isOver: () => boolean) => Promise<number[]>): Promise<number> {
  const begunMs = performance.now();
  const done = await run(() => performance.now() - begunMs > seconds * 1_000);
  return Math.round(done.reduce((sum, each) => sum + each, 0) / ((performance.now() - begunMs) / 1_000));
}

const event = (): NewEvent => ({
  id: randomUUID(),
  type: 'matching.decided',
  version: 1,
  data: { subjectId: randomUUID(), purposeId: 'registration', padding: 'x'.repeat(120) },
  at: '2026-01-01T00:00:00.000Z',
  actor: `key-${tenant}`,
});
