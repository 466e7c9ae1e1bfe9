import * as fc from 'fast-check';
import { TenantId } from '#lib/core';
import { type KeyEntry, type KeyTable, StaleGeneration } from './key-table.port.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');
const entry = (keyId: string, generation = 1, wrapped = `${keyId} in ${generation}`): KeyEntry => ({
  keyId,
  generation,
  wrapped: new Uint8Array(Buffer.from(wrapped)),
});

interface Opened {
  readonly table: KeyTable;
  readonly close: () => Promise<void>;
}

/** What every KeyTable must do. `open` gives a fresh, empty one each time. */
export function keyTableContract(open: () => Promise<Opened>): void {
  describe('KeyTable contract', () => {
    let table: KeyTable;
    let close: () => Promise<void>;
    const below = async (generation: number, after = '', limit = 1_000) =>
      (await table.below(here, generation, after, limit)).map(({ keyId }) => keyId);

    beforeEach(async () => {
      ({ table, close } = await open());
    });
    afterEach(() => close());

    it('gives back the entry that was put, undefined where there is none', async () => {
      const longest = { keyId: 'k'.repeat(100), generation: 9, wrapped: Uint8Array.from({ length: 500 }, (_, n) => n) };
      await table.put(here, entry('a'));
      await table.put(here, longest);
      expect(await table.get(here, 'a')).toEqual(entry('a'));
      expect(await table.get(here, longest.keyId)).toEqual(longest);
      expect(await table.get(here, 'b')).toBeUndefined();
    });

    it('takes the same entry again, but no other one under a known id', async () => {
      await table.put(here, entry('a'));
      await table.put(here, entry('a'));
      await expect(table.put(here, entry('a', 1, 'another'))).rejects.toMatchObject({ name: 'Error' });
      await expect(table.put(here, entry('a', 2))).rejects.toMatchObject({ name: 'Error' });
      expect(await table.get(here, 'a')).toEqual(entry('a'));
      expect(await table.count(here)).toBe(1);
    });

    it('gives one key to all who make one at once', async () => {
      const made = Array.from({ length: 20 }, (_, n) => entry('a', 1, `made ${n}`));
      const results = await Promise.allSettled(made.map((each) => table.put(here, each)));
      const winners = made.filter((_, n) => results[n]?.status === 'fulfilled');
      expect(winners).toEqual([await table.get(here, 'a')]);
    });

    it('erases for good, and minds nothing that is not there', async () => {
      for (const keyId of ['a', 'b', 'c']) await table.put(here, entry(keyId));
      await table.erase(here, ['a', 'none', 'c']);
      await table.erase(here, ['a']);
      await table.erase(here, []);
      expect([await table.get(here, 'a'), await table.get(here, 'c')]).toEqual([undefined, undefined]);
      expect(await table.get(here, 'b')).toEqual(entry('b'));
      expect(await table.count(here)).toBe(1);
    });

    it('erases thousands', async () => {
      const keyIds = Array.from({ length: 3_000 }, (_, n) => `key-${n}`);
      await Promise.all(keyIds.map((keyId) => table.put(here, entry(keyId))));
      expect(await table.count(here)).toBe(3_000);
      await table.erase(here, keyIds.slice(1));
      expect(await below(2)).toEqual(['key-0']);
    });

    it('pages through the entries of older generations in the order of their ids', async () => {
      for (const [keyId, generation] of [
        ['d', 1],
        ['a', 2],
        ['c', 3],
        ['b', 1],
        ['e', 2],
      ] as const) {
        await table.put(here, entry(keyId, generation));
      }
      expect(await below(3)).toEqual(['a', 'b', 'd', 'e']);
      expect(await below(3, '', 2)).toEqual(['a', 'b']);
      expect(await below(3, 'b', 2)).toEqual(['d', 'e']);
      expect(await below(3, 'e')).toEqual([]);
      expect(await below(1)).toEqual([]);
      expect(await table.below(here, 2, '', 1)).toEqual([entry('b')]);
    });

    it('puts entries in the place of older ones only', async () => {
      await table.put(here, entry('a', 1));
      await table.put(here, entry('b', 2));
      await table.put(here, entry('c', 3));
      await table.replace(here, [entry('a', 2, 'anew'), entry('b', 2, 'anew'), entry('c', 2, 'anew')]);
      expect(await table.get(here, 'a')).toEqual(entry('a', 2, 'anew'));
      expect(await table.get(here, 'b')).toEqual(entry('b', 2));
      expect(await table.get(here, 'c')).toEqual(entry('c', 3));
    });

    it('brings nothing back that was erased', async () => {
      await table.put(here, entry('a'));
      await table.put(here, entry('b'));
      await Promise.all([table.erase(here, ['a']), table.replace(here, [entry('a', 2), entry('b', 2)])]);
      expect(await table.get(here, 'a')).toBeUndefined();
      expect(await table.get(here, 'b')).toEqual(entry('b', 2));
      await table.replace(here, [entry('a', 3), entry('never', 3)]);
      expect(await table.count(here)).toBe(1);
    });

    it('takes nothing below the floor, neither new nor in the place of older ones', async () => {
      await table.put(here, entry('a', 1));
      await table.raiseFloor(here, 3);
      await expect(table.put(here, entry('b', 2))).rejects.toBeInstanceOf(StaleGeneration);
      await expect(table.replace(here, [entry('a', 2)])).rejects.toBeInstanceOf(StaleGeneration);
      expect(await table.get(here, 'a')).toEqual(entry('a', 1));
      expect(await table.get(here, 'b')).toBeUndefined();
      await table.put(here, entry('b', 3));
      await table.replace(here, [entry('a', 3)]);
      expect(await below(4)).toEqual(['a', 'b']);
    });

    it('takes back the floor never', async () => {
      await table.raiseFloor(here, 3);
      await table.raiseFloor(here, 2);
      await table.raiseFloor(here, 3);
      await expect(table.put(here, entry('a', 2))).rejects.toBeInstanceOf(StaleGeneration);
      await table.put(here, entry('a', 3));
    });

    it('has no entry below the floor that a page taken after raising it did not show', async () => {
      const puts = Array.from({ length: 100 }, (_, n) => table.put(here, entry(`key-${n}`, 1)));
      const raised = table.raiseFloor(here, 2);
      const late = Array.from({ length: 100 }, (_, n) => table.put(here, entry(`late-${n}`, 1)));
      await raised;
      const shown = await below(2);
      const results = await Promise.allSettled([...puts, ...late]);
      expect(await below(2)).toEqual(shown);
      expect(shown).toHaveLength(results.filter(({ status }) => status === 'fulfilled').length);
    });

    it('keeps tenants apart', async () => {
      await table.put(here, entry('a', 1, 'here'));
      await table.put(there, entry('a', 1, 'there'));
      await table.put(there, entry('b', 1));
      await table.raiseFloor(there, 2);
      await table.put(here, entry('c', 1));
      await table.erase(there, ['a', 'c']);
      expect(await table.get(here, 'a')).toEqual(entry('a', 1, 'here'));
      expect([await table.count(here), await table.count(there)]).toEqual([2, 1]);
      expect(await below(2)).toEqual(['a', 'c']);
    });

    it('is a map with a floor, under any run of calls', async () => {
      const keyId = fc.constantFrom('a', 'b', 'c');
      const some = fc.record({ keyId, generation: fc.integer({ min: 1, max: 4 }), n: fc.nat(1) });
      const step = fc.record({
        do: fc.constantFrom('put', 'erase', 'replace', 'raise'),
        entries: fc.array(some, { minLength: 1, maxLength: 2 }),
      });
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const tenant = TenantId.parse(`run-${++runs}`);
          const model = new Map<string, KeyEntry>();
          let floor = 0;
          for (const { do: what, entries: drawn } of steps) {
            const entries = drawn.map((each) => entry(each.keyId, each.generation, `${each.n}`));
            const [first] = entries as [KeyEntry];
            const isStale = first.generation < floor;
            if (what === 'put') {
              const known = model.get(first.keyId);
              const same = JSON.stringify(known) === JSON.stringify(first);
              const answer = await table.put(tenant, first).then(
                () => 'taken',
                (error: Error) => error.name,
              );
              if (!isStale) expect(answer).toBe(known && !same ? 'Error' : 'taken');
              else if (!same) expect(answer).not.toBe('taken');
              if (!isStale && !known) model.set(first.keyId, first);
            } else if (what === 'replace') {
              const answer = await table.replace(tenant, [first]).then(
                () => 'taken',
                (error: Error) => error.name,
              );
              expect(answer).toBe(isStale ? 'StaleGeneration' : 'taken');
              const older = model.get(first.keyId);
              if (!isStale && older && older.generation < first.generation) model.set(first.keyId, first);
            } else if (what === 'erase') {
              await table.erase(
                tenant,
                entries.map(({ keyId }) => keyId),
              );
              for (const { keyId } of entries) model.delete(keyId);
            } else {
              await table.raiseFloor(tenant, first.generation);
              floor = Math.max(floor, first.generation);
            }
          }
          const all = ['a', 'b', 'c'].flatMap((keyId) => model.get(keyId) ?? []);
          expect(await table.below(tenant, 9, '', 10)).toEqual(all);
          expect(await table.below(tenant, 3, 'a', 10)).toEqual(all.filter((e) => e.generation < 3 && e.keyId > 'a'));
          expect(await table.count(tenant)).toBe(all.length);
        }),
        { numRuns: 100 },
      );
    });
  });
}
