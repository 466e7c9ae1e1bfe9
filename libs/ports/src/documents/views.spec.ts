import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteDocuments, SqliteEventStore, TailFeed } from '#lib/adapters-embedded';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { TestClock } from '../../../../test/support/clock.js';
import type { StoredEvent } from '../event-store/event-store.port.js';
import { DocumentView, type Shown } from './document-view.js';
import { type RebuildProgress, Views } from './views.js';

const tenants = ['here', 'there'].map((name) => TenantId.parse(name));
const [here, there] = tenants as [TenantId, TenantId];

/** How many odd, or even, events each stream has; every fifth event removes what there is. */
class Counts extends DocumentView<{ readonly count: number; readonly at: string }> {
  constructor(
    override readonly name: string,
    documents: SqliteDocuments,
    private readonly rest: number,
  ) {
    super(documents);
  }

  protected override changes({ stream, sequence, at }: StoredEvent) {
    if (sequence % 2 !== this.rest) return [];
    const change = (before: Shown<{ readonly count: number }> | undefined) =>
      sequence % 5 === 0 ? undefined : { key: stream, body: { count: (before?.body.count ?? 0) + 1, at } };
    return [{ id: stream, change }];
  }
}

describe('Views', () => {
  let folder: string;
  let store: SqliteEventStore;
  let documents: SqliteDocuments;
  let feed: TailFeed;
  let views: Views;
  let counts: readonly Counts[];
  const collections = ['odd', 'even'];
  const append = async (tenant: TenantId, count: number) => {
    const head = await store.head(tenant);
    await Promise.all(
      Array.from({ length: count }, (_, n) => {
        const at = new Date((head + n) * 1_000).toISOString();
        const event = { id: `event-${head + n}`, type: 'test.counted', version: 1, data: {}, at, actor: 'tester' };
        const [stream, expected] = [`stream-${(head + n) % 50}`, Math.floor((head + n) / 50)];
        return store.append({ tenant, stream, expected, events: [event] });
      }),
    );
  };
  /** All of it as text: the same text is the same bytes. */
  const everything = async () => {
    const parts = tenants.flatMap((tenant) =>
      collections.map(async (collection) => [
        await documents.position(tenant, collection),
        await documents.range(tenant, collection, { from: '', below: '~', limit: 1_000 }),
      ]),
    );
    return JSON.stringify(await Promise.all(parts));
  };
  const positions = async () =>
    (await Promise.all(tenants.flatMap((tenant) => counts.map((view) => view.position(tenant))))).join();
  const started = () => {
    views = new Views(store, feed);
    counts = collections.map((name, n) => new Counts(name, documents, (n + 1) % 2));
    for (const each of counts) views.add(each);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'views-'));
    store = new SqliteEventStore(join(folder, 'events.db'));
    documents = new SqliteDocuments(join(folder, 'views.db'), 'views');
    feed = new TailFeed(store, new SystemClock());
    started();
  });
  afterEach(async () => {
    await feed.close();
    await documents.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  it('has one view of each name', () => {
    expect(views.all().map(({ name }) => name)).toEqual(collections);
    expect(() => views.add(new Counts('odd', documents, 1))).toThrow(
      expect.objectContaining({ message: 'there are two views named odd' }),
    );
    expect(views.all()).toHaveLength(2);
  });

  it('brings every view of every tenant to the end of a log of any length, and further once it has grown', async () => {
    await append(here, 2_100);
    await append(there, 3);
    await views.catchUp();
    expect(await positions()).toBe('2100,2100,3,3');
    const shown = await documents.range(there, 'odd', { from: '', below: '~', limit: 10 });
    expect(shown.map(({ id, sequence }) => [id, sequence])).toEqual([
      ['stream-0', 1],
      ['stream-2', 3],
    ]);
    await append(there, 2);
    started();
    await views.catchUp();
    expect(await positions()).toBe('2100,2100,5,5');
    await views.catchUp();
    expect(await positions()).toBe('2100,2100,5,5');
  });

  it('builds them again to the same bytes, whatever had become of them', async () => {
    await append(here, 1_300);
    await append(there, 7);
    await views.catchUp();
    const before = await everything();
    const [first] = await documents.range(here, 'odd', { from: '', below: '~', limit: 1 });
    expect(first).toMatchObject({ body: { count: expect.any(Number) } });
    await documents.write(here, {
      collection: 'odd',
      puts: [
        { id: first?.id ?? '', key: 'changed', sequence: 99_999, body: null },
        { id: 'foreign', key: 'x', sequence: 99_999, body: null },
      ],
      removes: ['stream-2'],
      position: 99_999,
    });
    await documents.clear(there, 'even');
    expect(await everything()).not.toBe(before);
    await views.rebuild(() => undefined);
    expect(await everything()).toBe(before);
  });

  it('says how far a rebuild has come', async () => {
    await append(here, 1_001);
    await append(there, 1);
    const told: RebuildProgress[] = [];
    await views.rebuild((progress) => told.push(progress));
    expect(told.map(({ view, tenant, done, total }) => `${tenant} ${view} ${done}/${total}`)).toEqual([
      'here odd 1000/1001',
      'here even 1000/1001',
      'here odd 1001/1001',
      'here even 1001/1001',
      'there odd 1/1',
      'there even 1/1',
    ]);
  });

  it('knows of a view that another process keeps whether what it did not store changes anything', async () => {
    await append(here, 3);
    await views.catchUp();
    // Stored up to 3 and 2: the third event changed nothing in the view of even ones.
    started();
    const clock = new TestClock();
    const [odd, even] = counts as [Counts, Counts];
    await Promise.all(counts.map((view) => view.reach(here, 3, clock)));
    await append(here, 1);
    await odd.reach(here, 4, clock);
    const reached = even.reach(here, 4, clock);
    clock.advance(2_100);
    await expect(reached).rejects.toMatchObject({ name: 'Lagging', message: 'even is behind position 4' });
    // What nobody stored yet may be anything.
    const early = odd.reach(here, 6, clock);
    clock.advance(2_100);
    await expect(early).rejects.toMatchObject({ name: 'Lagging' });
  });

  it('builds them again from pages of elsewhere, to the same bytes', async () => {
    await append(here, 12);
    await append(there, 5);
    await views.catchUp();
    const before = await everything();
    const told: RebuildProgress[] = [];
    async function* pages() {
      for (const after of [0, 5, 10]) yield { events: await store.readLog(here, after, 5), done: after, total: 17 };
      yield { events: [], done: 12, total: 17 };
      yield { events: await store.readLog(there, 0, 10), done: 17, total: 17 };
    }
    await views.rebuild((progress) => told.push(progress), pages());
    expect(await everything()).toBe(before);
    expect(told.at(-1)).toEqual({ view: 'even', tenant: there, done: 17, total: 17 });
  });

  it('keeps every view up to date from now on', async () => {
    await append(here, 10);
    views.follow();
    await append(there, 4);
    for (const view of counts) {
      await view.reach(here, 10, new SystemClock());
      await view.reach(there, 4, new SystemClock());
    }
    expect(await positions()).toBe('10,10,4,4');
  });
});
