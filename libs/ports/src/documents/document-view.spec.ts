import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { SqliteDocuments } from '#lib/adapters-embedded';
import { TenantId } from '#lib/core';
import { TestClock } from '../../../../test/support/clock.js';
import { type StoredEvent, StoreUnavailable } from '../event-store/event-store.port.js';
import { DocumentView, Lagging, type Shown } from './document-view.js';
import type { DocumentBatch, Documents } from './documents.port.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');

type Deed = 'arrived' | 'moved' | 'left' | 'looked' | 'swapped';

const event = (sequence: number, deed: Deed, id: string, tenant = here): StoredEvent => ({
  id: `event-${sequence}`,
  tenant,
  stream: `guest-${id}`,
  revision: 1,
  sequence,
  type: `test.${deed}`,
  version: 1,
  data: { id },
  at: '2026-01-01T00:00:00.000Z',
  actor: 'tester',
});

type Moves = Shown<readonly number[]> | undefined;

/** Guests of a house, with the sequences of their moves. `swapped` is of two guests, `looked` of one and changes nothing. */
class Guests extends DocumentView<readonly number[]> {
  override readonly name = 'guests';

  protected override changes({ type, sequence, data }: StoredEvent) {
    const { id } = data as { id: string };
    const moved = (before: Moves) => before && { key: `k${sequence % 3}`, body: [...before.body, sequence] };
    switch (type) {
      case 'test.arrived':
        return [{ id, change: (before: Moves) => before ?? { key: 'k', body: [] } }];
      case 'test.moved':
        return [{ id, change: moved }];
      case 'test.swapped':
        return [id, `other ${id}`].map((each) => ({ id: each, change: moved }));
      case 'test.left':
        return [{ id, change: () => undefined }];
      case 'test.looked':
        return [{ id, change: (before: Moves) => before }];
      default:
        return [];
    }
  }
}

describe('DocumentView', () => {
  let folder: string;
  let documents: SqliteDocuments;
  let view: Guests;
  const everything = { from: '', below: '~', limit: 1_000 };
  const shown = (tenant = here) => documents.range(tenant, 'guests', everything);
  /** As a process started from now on: it remembers nothing. */
  const started = (over: Documents = documents) => new Guests(over);
  const setBack = (position: number, tenant = here) =>
    documents.write(tenant, { collection: 'guests', puts: [], removes: [], position });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'view-'));
    documents = new SqliteDocuments(join(folder, 'views.db'), 'views');
    view = started();
  });
  afterEach(async () => {
    await documents.close();
    rmSync(folder, { recursive: true });
  });

  it('shows what the events did, and the last of them that each document shows', async () => {
    await view.take([event(1, 'arrived', 'a'), event(2, 'arrived', 'b'), event(4, 'moved', 'a')]);
    expect(await shown()).toEqual([
      { id: 'b', key: 'k', sequence: 2, body: [] },
      { id: 'a', key: 'k1', sequence: 4, body: [4] },
    ]);
    expect(await view.position(here)).toBe(4);
  });

  it('changes several documents by one event', async () => {
    await view.take([event(1, 'arrived', 'a'), event(2, 'arrived', 'other a')]);
    await view.take([event(3, 'swapped', 'a')]);
    expect(await documents.get(here, 'guests', ['a', 'other a'])).toMatchObject([{ body: [3] }, { body: [3] }]);
  });

  it('removes a document, and leaves nothing of one that came and went at once', async () => {
    await view.take([event(1, 'arrived', 'a'), event(2, 'arrived', 'b'), event(3, 'left', 'b')]);
    await view.take([event(4, 'left', 'a'), event(5, 'left', 'never'), event(6, 'moved', 'a')]);
    expect(await shown()).toEqual([]);
    await view.take([event(7, 'arrived', 'a')]);
    expect(await shown()).toMatchObject([{ id: 'a', sequence: 7, body: [] }]);
  });

  it('says of one that came and went at once that it is gone: another process may be late with it', async () => {
    const batches: DocumentBatch[] = [];
    const write = async (_: TenantId, batch: DocumentBatch) => void batches.push(batch);
    const telling = started(Object.assign(Object.create(documents) as SqliteDocuments, { write }));
    await telling.take([event(1, 'arrived', 'a'), event(2, 'left', 'a'), event(3, 'left', 'never')]);
    expect(batches).toEqual([{ collection: 'guests', puts: [], removes: ['a'], position: 3 }]);
  });

  it('writes no document where the change answers what it was given', async () => {
    await view.take([event(1, 'arrived', 'a')]);
    await view.take([event(2, 'looked', 'a'), event(3, 'looked', 'never'), event(4, 'arrived', 'a')]);
    expect(await shown()).toEqual([{ id: 'a', key: 'k', sequence: 1, body: [] }]);
    expect(await view.position(here)).toBe(4);
  });

  it('moves on over what is not for it, and begins a thousand events back at most after a crash', async () => {
    for (const n of [1, 999, 1_500, 1_998]) {
      await view.take([{ ...event(n, 'looked', 'a'), type: 'test.other' }]);
      await view.take([]);
      expect(await view.position(here)).toBe(n);
      expect(n - (await started().position(here))).toBeLessThan(1_000);
    }
    await view.take([event(1_999, 'arrived', 'a')]);
    expect(await started().position(here)).toBe(1_999);
  });

  it('changes nothing by events that come again, with new ones or without', async () => {
    const events = [event(1, 'arrived', 'a'), event(2, 'moved', 'a'), event(3, 'moved', 'a')];
    await view.take(events.slice(0, 2));
    await view.take(events.slice(0, 2));
    expect(await shown()).toMatchObject([{ sequence: 2, body: [2] }]);
    await view.take(events);
    await started().take(events);
    expect(await shown()).toMatchObject([{ sequence: 3, body: [2, 3] }]);
    expect(await documents.position(here, 'guests')).toBe(3);
  });

  it('is never set back by events that come again', async () => {
    await view.take([event(1, 'arrived', 'a'), event(2, 'moved', 'a')]);
    for (const each of [view, started()]) {
      await each.take([event(1, 'arrived', 'a')]);
      expect(await each.position(here)).toBe(2);
    }
    expect(await documents.position(here, 'guests')).toBe(2);
  });

  it('goes on from where another process left it once it was told to look again', async () => {
    await view.take([event(1, 'arrived', 'a')]);
    const elsewhere = started();
    await elsewhere.take([event(2, 'arrived', 'b'), event(3, 'moved', 'a')]);
    expect(await view.position(here)).toBe(1);
    view.reread();
    expect(await view.position(here)).toBe(3);
    await view.take([event(3, 'moved', 'a'), event(4, 'moved', 'b')]);
    expect(await shown()).toMatchObject([
      { id: 'a', body: [3] },
      { id: 'b', body: [4] },
    ]);
  });

  it('keeps the tenants apart', async () => {
    await view.take([event(5, 'arrived', 'a')]);
    await view.take([event(1, 'arrived', 'a', there), event(2, 'moved', 'a', there)]);
    expect(await shown()).toMatchObject([{ sequence: 5, body: [] }]);
    expect(await shown(there)).toMatchObject([{ sequence: 2, body: [2] }]);
    await view.clear(there);
    expect([await shown(there), await view.position(there), await view.position(here)]).toEqual([[], 0, 5]);
    expect(await shown()).toHaveLength(1);
  });

  it.each([
    ['before it took effect', false],
    ['after it did, its answer lost', true],
  ])('takes the same events again when its write failed %s', async (_, isDone) => {
    let failures = 1;
    const write = async (tenant: TenantId, batch: DocumentBatch) => {
      const fails = failures-- > 0;
      if (!fails || isDone) await documents.write(tenant, batch);
      if (fails) throw new StoreUnavailable('not now');
    };
    const failing = started(Object.assign(Object.create(documents) as SqliteDocuments, { write }));
    const events = [event(1, 'arrived', 'a'), event(2, 'moved', 'a')];
    await expect(failing.take(events)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await failing.position(here)).toBe(0);
    await failing.take(events);
    expect(await shown()).toMatchObject([{ sequence: 2, body: [2] }]);
    expect(await failing.position(here)).toBe(2);
  });

  it('comes to the same documents however the log was cut, and however often its position was set back', async () => {
    const deed = fc.constantFrom<Deed>('arrived', 'arrived', 'moved', 'moved', 'left', 'looked', 'swapped');
    const history = fc.array(fc.tuple(deed, fc.constantFrom('a', 'other a', 'b')), { minLength: 1, maxLength: 25 });
    const takes = fc.array(fc.record({ size: fc.integer({ min: 1, max: 8 }), back: fc.nat(12), again: fc.boolean() }));
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(history, takes, async (deeds, takes) => {
        const [once, cut] = [TenantId.parse(`once-${++runs}`), TenantId.parse(`cut-${runs}`)];
        const eventsOf = (tenant: TenantId) => deeds.map(([deed, id], n) => event(n + 1, deed, id, tenant));
        await view.take(eventsOf(once));

        let cutView = started();
        for (const { size, back, again } of takes) {
          const position = await cutView.position(cut);
          if (again) {
            await setBack(Math.max(0, position - back), cut);
            cutView = started();
          }
          const from = await cutView.position(cut);
          await cutView.take(eventsOf(cut).slice(from, from + size));
        }
        await cutView.take(eventsOf(cut));
        expect(await shown(cut)).toEqual(await shown(once));
        expect(await cutView.position(cut)).toBe(deeds.length);
      }),
      { numRuns: 60 },
    );
  });

  describe('reach', () => {
    const clock = new TestClock();

    it('answers at once where the view has come so far, also when another process brought it there', async () => {
      await view.reach(here, 0, clock);
      await started().take([event(3, 'arrived', 'a')]);
      await view.reach(here, 3, clock);
      expect(await view.position(here)).toBe(3);
    });

    it('waits until it has', async () => {
      let isReached = false;
      const reached = view.reach(here, 2, clock).then(() => (isReached = true));
      await view.take([event(1, 'arrived', 'a')]);
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(isReached).toBe(false);
      await view.take([event(2, 'moved', 'a')]);
      await reached;
      expect(await shown()).toMatchObject([{ body: [2] }]);
    });

    it('waits for each tenant apart', async () => {
      await view.take([event(9, 'arrived', 'a', there)]);
      const reached = view.reach(here, 1, clock);
      clock.advance(2_100);
      await expect(reached).rejects.toBeInstanceOf(Lagging);
    });

    it('waits two seconds, then says that the view lags', async () => {
      const late = { isOver: false };
      const reached = view.reach(here, 1, clock).finally(() => (late.isOver = true));
      clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(late.isOver).toBe(false);
      clock.advance(1_100);
      await expect(reached).rejects.toMatchObject({ name: 'Lagging', message: 'guests is behind position 1' });
    });
  });
});
