import { randomBytes } from 'node:crypto';
import type { Connection } from 'mongoose';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { type DocumentBatch, StoreUnavailable } from '#lib/ports';
import { documentsContract } from '#lib/ports/contracts';
import { LossyLink } from '../../../test/support/lossy-link.js';
import { openDatabase } from './mongo-connection.js';
import { MongoDocuments } from './mongo-documents.adapter.js';

const ticks = new SystemClock();
const uri = process.env.MONGODB_URI ?? '';
const connect = (timeoutMs = 20_000) =>
  openDatabase({ uri, database: `documents-${randomBytes(6).toString('hex')}`, timeoutMs });
const drop = async (connection: Connection) => {
  await connection.dropDatabase();
  await connection.close();
};

documentsContract(async () => {
  const connection = await connect();
  return { documents: await MongoDocuments.open(connection, 'views', ticks), close: () => drop(connection) };
});

describe('MongoDocuments', () => {
  const tenant = TenantId.parse('here');
  let connection: Connection;
  let views: MongoDocuments;
  const document = (id: string, sequence: number, body: unknown = sequence) => ({ id, key: 'k', sequence, body });
  const write = (batch: Partial<DocumentBatch>) =>
    views.write(tenant, { collection: 'c', puts: [], removes: [], ...batch });
  const bodies = async (...ids: string[]) => (await views.get(tenant, 'c', ids)).map((found) => found?.body);
  const everything = { from: '', below: '~', limit: 1_000 };
  const stored = (name = 'views') => connection.collection(name).find({}).toArray();

  beforeEach(async () => {
    connection = await connect();
    views = await MongoDocuments.open(connection, 'views', ticks);
  });
  afterEach(() => drop(connection));

  describe('a view', () => {
    it('is not set back by a worker that is late: neither its documents nor its position', async () => {
      await write({ puts: [document('a', 8), document('b', 3)], position: 8 });
      await write({ puts: [document('a', 5), document('b', 5), document('c', 4)], position: 5 });
      expect(await bodies('a', 'b', 'c')).toEqual([8, 5, 4]);
      expect(await views.position(tenant, 'c')).toBe(8);
      await write({ puts: [document('a', 8, 'the same place')], position: 8 });
      expect(await bodies('a')).toEqual(['the same place']);
    });

    it('does not lose to a late removal what came after it', async () => {
      await write({ puts: [document('a', 8), document('b', 5)], position: 8 });
      await write({ removes: ['a', 'b'], position: 6 });
      expect(await bodies('a', 'b')).toEqual([8, undefined]);
    });

    it('does not get back what was removed, seen or not, and is open to what comes after', async () => {
      await write({ puts: [document('a', 5)], position: 5 });
      await write({ removes: ['a', 'never seen'], position: 9 });
      await write({ puts: [document('a', 7), document('never seen', 8)], position: 8 });
      expect(await bodies('a', 'never seen')).toEqual([undefined, undefined]);
      expect(await views.range(tenant, 'c', everything)).toEqual([]);
      await write({ puts: [document('a', 10)], position: 10 });
      expect(await bodies('a')).toEqual([10]);
    });

    it('comes to the same whatever two workers write of it, in whatever order it arrives', async () => {
      const [slow, quick] = [
        [
          { puts: [document('a', 1), document('b', 2)], position: 2 },
          { puts: [document('a', 4)], removes: ['b'], position: 5 },
          { puts: [document('b', 6)], position: 6 },
        ],
        [
          { puts: [document('a', 4)], removes: ['b'], position: 5 },
          { puts: [document('b', 6)], removes: ['a'], position: 7 },
        ],
      ];
      const run = async (batches: readonly Partial<DocumentBatch>[]) => {
        for (const batch of batches) await write(batch);
      };
      for (let round = 0; round < 10; round++) {
        await Promise.all([run(slow), run(quick)]);
        expect(await bodies('a', 'b')).toEqual([undefined, 6]);
        expect(await views.position(tenant, 'c')).toBe(7);
        await views.clear(tenant, 'c');
      }
    });

    it('takes the newest of many that make the same document at once', async () => {
      const sequences = Array.from({ length: 30 }, (_, n) => n + 1);
      await Promise.all(sequences.map((n) => write({ puts: [document('a', n)], position: n })));
      expect([await bodies('a'), await views.position(tenant, 'c')]).toEqual([[30], 30]);
    });

    it('leaves of a removed document its place and how old it is, for an hour, and nothing once it is cleared', async () => {
      await write({ puts: [{ ...document('a', 5), bytes: Uint8Array.of(1) }], position: 5 });
      await write({ removes: ['a'], position: 9 });
      const place = { _id: 'here/c/a', tenant: 'here', collection: 'c', sequence: 9 };
      expect(await stored()).toEqual([{ ...place, removedAt: expect.any(Date) }]);
      const indexes = await connection.collection('views').indexes();
      expect(indexes).toContainEqual(expect.objectContaining({ key: { removedAt: 1 }, expireAfterSeconds: 3_600 }));
      await views.clear(tenant, 'c');
      expect([await stored(), await stored('views-positions')]).toEqual([[], []]);
      await write({ puts: [document('a', 1)], position: 1 });
      expect(await bodies('a')).toEqual([1]);
    });

    it('gives up the id of a removed document to who creates one', async () => {
      await write({ removes: ['a'], position: 9 });
      const made = await Promise.all([1, 2, 3].map((n) => views.create(tenant, 'c', document('a', 0, n))));
      const [winner] = await bodies('a');
      expect(made.map((found) => found?.body)).toEqual([1, 2, 3].map((n) => (n === winner ? undefined : winner)));
    });
  });

  it('leaves nothing of a removed record', async () => {
    await write({ puts: [document('a', 0)] });
    await write({ removes: ['a'] });
    expect(await stored()).toEqual([]);
  });

  it('finds its indexes there when it is opened again, and answers ranges with them', async () => {
    await MongoDocuments.open(connection, 'views', ticks);
    await write({ puts: [document('a', 1), document('b', 2)] });
    expect((await views.range(tenant, 'c', { ...everything, limit: 1 })).map(({ id }) => id)).toEqual(['a']);
  });

  it.each([0, 1_001, Number.NaN])('answers no range of %d documents', async (limit) => {
    await expect(views.range(tenant, 'c', { ...everything, limit })).rejects.toMatchObject({ name: 'RangeError' });
  });

  it('takes no longer ids and keys than promised, and no collection that could pass for another', async () => {
    await expect(write({ puts: [document('x'.repeat(201), 1)] })).rejects.toMatchObject({ name: 'RangeError' });
    await expect(write({ collection: 'c/d' })).rejects.toMatchObject({ name: 'RangeError' });
  });

  it('says within its time that it cannot be asked', async () => {
    const other = await openDatabase({ uri, database: connection.name, timeoutMs: 300 });
    const cut = await MongoDocuments.open(other, 'views', ticks);
    await other.close();
    const begun = performance.now();
    await expect(cut.get(tenant, 'c', ['a'])).rejects.toBeInstanceOf(StoreUnavailable);
    const batch = { collection: 'c', puts: [document('a', 1)], removes: [] };
    await expect(cut.write(tenant, batch)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  describe('whose answer is lost on the way', () => {
    let link: LossyLink;
    let linked: Connection;

    beforeEach(async () => {
      link = await LossyLink.to(Number(new URL(uri).port));
      const through = uri.replace(new URL(uri).host, `127.0.0.1:${link.port}`);
      // Without the driver's own second attempt, which would hide the first loss.
      const place = { uri: `${through}&retryWrites=false`, database: connection.name, timeoutMs: 5_000 };
      linked = await openDatabase(place);
      views = await MongoDocuments.open(linked, 'views', ticks);
    });
    afterEach(async () => {
      await linked.close();
      await link.close();
    });

    it('a write is done again, and is as if it was done once', async () => {
      await write({ puts: [document('b', 1), document('c', 7)], position: 1 });
      link.lose('updates', 3);
      await write({ puts: [document('a', 2), document('c', 2)], removes: ['b'], position: 2 });
      expect(link.left).toBe(0);
      expect([await bodies('a', 'b', 'c'), await views.position(tenant, 'c')]).toEqual([[2, undefined, 7], 2]);
      link.lose('delete', 2);
      await views.clear(tenant, 'c');
      expect([link.left, await stored()]).toEqual([0, []]);
    });

    it('a document that was created is known again by who created it', async () => {
      link.lose('insert', 2);
      expect(await views.create(tenant, 'c', document('a', 0, 'mine'))).toBeUndefined();
      expect(link.left).toBe(0);
      expect(await views.create(tenant, 'c', document('a', 0, 'another'))).toMatchObject({ body: 'mine' });
    });
  });
});
