import { randomUUID } from 'node:crypto';
import type { Connection } from 'mongoose';
import { TenantId } from '#lib/core';
import { openDatabase } from './mongo-connection.js';
import { RelayPlaces } from './relay-places.js';

const [here, there, nowhere] = ['here', 'there', 'nowhere'].map((name) => TenantId.parse(name)) as [
  TenantId,
  TenantId,
  TenantId,
];

describe('relay places', () => {
  let connection: Connection;
  let places: RelayPlaces;
  beforeAll(async () => {
    const uri = process.env.MONGODB_URI ?? '';
    connection = await openDatabase({ uri, database: `places-${randomUUID().slice(0, 8)}`, timeoutMs: 5_000 });
  });
  beforeEach(() => {
    places = new RelayPlaces(connection, `topic-${randomUUID()}`);
  });
  afterAll(async () => {
    await connection.dropDatabase();
    await connection.close();
  });
  const positions = async (incarnation: number) =>
    Object.fromEntries(await places.positions(new Map([here, there, nowhere].map((tenant) => [tenant, incarnation]))));

  it('begin at nothing, and are found again', async () => {
    const place = await places.partition(3, 'a/4');
    expect(place).toEqual({ partition: 3, incarnation: 1, end: -1, topicIdentity: 'a/4' });
    await places.keep(
      [{ ...place, end: 9 }],
      [
        { tenant: here, incarnation: 1, position: 7 },
        { tenant: there, incarnation: 1, position: 3 },
      ],
    );
    expect(await places.partition(3, 'a/4')).toEqual({ ...place, end: 9 });
    expect(await positions(1)).toEqual({ here: 7, there: 3, nowhere: 0 });
  });

  it('only ever rise, one tenant without regard to the other', async () => {
    const place = await places.partition(0, 'a/4');
    await places.keep([{ ...place, end: 9 }], [{ tenant: here, incarnation: 1, position: 7 }]);
    await places.keep(
      [{ ...place, end: 4 }],
      [
        { tenant: here, incarnation: 1, position: 5 },
        { tenant: there, incarnation: 1, position: 1 },
      ],
    );
    expect((await places.partition(0, 'a/4')).end).toBe(9);
    expect(await positions(1)).toEqual({ here: 7, there: 1, nowhere: 0 });
  });

  it('begin anew with another topic, and what an older relay still writes counts for nothing', async () => {
    const old = await places.partition(0, 'a/4');
    await places.keep([{ ...old, end: 9 }], [{ tenant: here, incarnation: 1, position: 7 }]);
    const fresh = await places.partition(0, 'b/4');
    expect(fresh).toEqual({ partition: 0, incarnation: 2, end: -1, topicIdentity: 'b/4' });
    expect(await positions(2)).toEqual({ here: 0, there: 0, nowhere: 0 });
    await places.keep([{ ...fresh, end: 0 }], [{ tenant: here, incarnation: 2, position: 1 }]);
    await places.keep(
      [{ ...old, end: 12 }],
      [
        { tenant: here, incarnation: 1, position: 9 },
        { tenant: there, incarnation: 1, position: 9 },
      ],
    );
    expect(await places.partition(0, 'b/4')).toEqual({ ...fresh, end: 0 });
    expect(await positions(2)).toEqual({ here: 1, there: 0, nowhere: 0 });
  });

  it('begin anew once, however many relays find out at once', async () => {
    const old = await places.partition(0, 'a/4');
    const begun = await Promise.all([1, 2, 3].map(() => places.begin(0, 'a/4', old)));
    const incarnation = begun[0]?.incarnation ?? 0;
    expect(incarnation).toBeGreaterThan(old.incarnation);
    // Those who came too late were told of another than their own.
    expect(new Set(begun.map((each) => each.incarnation)).size).toBe(1);
  });
});
