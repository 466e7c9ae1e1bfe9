import { randomBytes } from 'node:crypto';
import type { Connection } from 'mongoose';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { type KeyEntry, StaleGeneration } from '#lib/ports';
import { keyTableContract } from '#lib/ports/contracts';
import { LossyLink } from '../../../test/support/lossy-link.js';
import { openDatabase } from './mongo-connection.js';
import { MongoKeyTable } from './mongo-key-table.adapter.js';

const ticks = new SystemClock();
const uri = process.env.MONGODB_URI ?? '';
const connect = (at = uri, database = `keys-${randomBytes(6).toString('hex')}`, timeoutMs = 20_000) =>
  openDatabase({ uri: at, database, timeoutMs });

keyTableContract(async () => {
  const connection = await connect();
  const table = await MongoKeyTable.open(connection, ticks);
  const close = async () => {
    await connection.dropDatabase();
    await connection.close();
  };
  return { table, close };
});

describe('MongoKeyTable', () => {
  const tenant = TenantId.parse('here');
  let connection: Connection;
  let link: LossyLink;
  let linked: Connection;
  /** One process, and another one that it reaches the server through a link with. */
  let table: MongoKeyTable;
  let slow: MongoKeyTable;
  const entry = (keyId: string, generation = 1): KeyEntry => ({
    keyId,
    generation,
    wrapped: new Uint8Array(randomBytes(72)),
  });
  const stored = () => connection.collection('keys').find({}).toArray();
  const outcomeOf = (put: Promise<void>) =>
    put.then(
      () => 'stands',
      (error: Error) => error.name,
    );

  beforeEach(async () => {
    connection = await connect();
    table = await MongoKeyTable.open(connection, ticks);
    link = await LossyLink.to(Number(new URL(uri).port));
    const through = `${uri.replace(new URL(uri).host, `127.0.0.1:${link.port}`)}&retryWrites=false`;
    linked = await connect(through, connection.name, 2_000);
    slow = await MongoKeyTable.open(linked, ticks);
  });
  afterEach(async () => {
    await linked.close();
    await link.close();
    await connection.dropDatabase();
    await connection.close();
  });

  describe('a put that the floor overtakes', () => {
    it.each([
      ['before it is announced', 'insert'],
      ['before it has read the floor', 'key-floors'],
      ['before it is confirmed', 'updates'],
    ])('%s is in no page, and does not stand', async (_, request) => {
      const kept = link.keep(request);
      const outcome = outcomeOf(slow.put(tenant, entry('a')));
      await kept.met;
      expect(await table.get(tenant, 'a')).toBeUndefined();
      expect(await table.count(tenant)).toBe(0);
      await table.raiseFloor(tenant, 2);
      expect(await table.below(tenant, 2, '', 9)).toEqual([]);
      kept.release();
      expect(await outcome).toBe('StaleGeneration');
      expect(await stored()).toEqual([]);
    });

    it('after it was confirmed stands, whether it knows or not, and is in the first page', async () => {
      link.lose('updates');
      const put = entry('a');
      const outcome = outcomeOf(slow.put(tenant, put));
      for (let found = 0; found === 0; ) found = await table.count(tenant);
      await table.raiseFloor(tenant, 2);
      expect(await table.below(tenant, 2, '', 9)).toEqual([put]);
      await table.replace(tenant, [entry('a', 2)]);
      expect(await outcome).toBe('stands');
      expect(link.left).toBe(0);
    });
  });

  it('puts an entry once, whichever answer is lost', async () => {
    for (const [n, request] of ['insert', 'key-floors', 'updates'].entries()) {
      const put = entry(`${n}`);
      link.lose(request, 2);
      await slow.put(tenant, put);
      expect(link.left).toBe(0);
      expect(await table.get(tenant, `${n}`)).toEqual(put);
    }
    expect(await table.count(tenant)).toBe(3);
  });

  describe('what a crash left announced', () => {
    const left = entry('a');
    let outcome: string;

    beforeEach(async () => {
      link.keep('updates');
      outcome = await outcomeOf(slow.put(tenant, left));
    });

    it('is nothing to anybody, and goes when the floor rises', async () => {
      expect([outcome, (await stored()).length]).toEqual(['StoreUnavailable', 1]);
      await table.replace(tenant, [entry('a', 2)]);
      expect(await table.get(tenant, 'a')).toBeUndefined();
      expect(await table.below(tenant, 9, '', 9)).toEqual([]);
      expect(await table.count(tenant)).toBe(0);
      await table.raiseFloor(tenant, 2);
      expect(await stored()).toEqual([]);
      await table.put(tenant, entry('a', 2));
    });

    it('is put by whoever puts the same again', async () => {
      await table.put(tenant, left);
      expect(await table.get(tenant, 'a')).toEqual(left);
    });

    it('comes before what another one makes', async () => {
      await expect(table.put(tenant, entry('a'))).rejects.toMatchObject({ name: 'Error' });
      expect(await table.get(tenant, 'a')).toEqual(left);
    });

    it('can be erased', async () => {
      await table.erase(tenant, ['a']);
      expect(await stored()).toEqual([]);
    });
  });

  it('takes an entry again whose answer was lost, also when its generation was closed meanwhile', async () => {
    const stored = entry('a');
    await table.put(tenant, stored);
    await table.raiseFloor(tenant, 2);
    await table.put(tenant, stored);
    expect(await table.count(tenant)).toBe(1);
  });

  it('puts all of several entries in the place of older ones, or none', async () => {
    const entries = [entry('a'), entry('b')];
    for (const each of entries) await table.put(tenant, each);
    await table.raiseFloor(tenant, 3);
    const anew = [entry('a', 3), entry('b', 2)];
    await expect(table.replace(tenant, anew)).rejects.toBeInstanceOf(StaleGeneration);
    expect(await table.below(tenant, 9, '', 9)).toEqual(entries);
  });

  it('takes no longer ids and wrappings than promised, and no generation before the first', async () => {
    const long = { ...entry('a'), wrapped: new Uint8Array(501) };
    for (const each of [entry('k'.repeat(101)), long, entry('a', 0)]) {
      await expect(table.put(tenant, each)).rejects.toMatchObject({ name: 'RangeError' });
    }
  });
});
