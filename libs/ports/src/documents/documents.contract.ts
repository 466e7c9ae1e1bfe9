import * as fc from 'fast-check';
import { TenantId } from '#lib/core';
import type { DocumentBatch, DocumentRange, Documents, StoredDocument } from './documents.port.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');
const everything = { from: '', below: '\u{10ffff}', limit: 1_000 };

const document = (
  id: string,
  { key = 'k', sequence = 1, body = { id } as unknown, bytes = undefined as Uint8Array | undefined } = {},
) => ({ id, key, sequence, body, ...(bytes && { bytes }) }) satisfies StoredDocument;

/** As strings of `<` compare would not: UTF-16 puts characters beyond the first 65,536 before some that are below. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const inOrder = (a: StoredDocument, b: StoredDocument) => byBytes(a.key, b.key) || byBytes(a.id, b.id);

interface Opened {
  readonly documents: Documents;
  readonly close: () => Promise<void>;
}

/** What every Documents must do, and with it every Vault. `open` gives a fresh, empty one each time. */
export function documentsContract(open: () => Promise<Opened>): void {
  describe('Documents contract', () => {
    let documents: Documents;
    let close: () => Promise<void>;
    const write = (batch: Partial<DocumentBatch>, tenant = here) =>
      documents.write(tenant, { collection: 'c', puts: [], removes: [], ...batch });
    const get = (...ids: string[]) => documents.get(here, 'c', ids);
    const range = (part: Partial<DocumentRange> = {}) => documents.range(here, 'c', { ...everything, ...part });
    const ids = async (part: Partial<DocumentRange> = {}) => (await range(part)).map(({ id }) => id);

    beforeEach(async () => {
      ({ documents, close } = await open());
    });
    afterEach(() => close());

    it('answers documents in the order asked for, undefined where there is none', async () => {
      await write({ puts: [document('a'), document('b')] });
      expect(await get('b', 'none', 'a', 'b')).toEqual([document('b'), undefined, document('a'), document('b')]);
      expect(await get()).toEqual([]);
    });

    it('gives back what it was given, whatever it is', async () => {
      const puts = [
        document('text', { body: { text: 'ärztin \u0000 🙂', deep: [null, true, -0.5, { a: [] }] } }),
        document('plain', { body: 'only a string' }),
        document('null', { body: null }),
        document('bytes', { bytes: Uint8Array.from({ length: 256 }, (_, n) => n), sequence: 2 ** 40 }),
        document('no bytes', { bytes: new Uint8Array(0), sequence: 0 }),
        document('large', { body: 'x'.repeat(20_000), bytes: new Uint8Array(50_000).fill(7) }),
        document('ä'.repeat(200), { key: '🙂'.repeat(100) }),
      ];
      await write({ puts });
      expect(await get(...puts.map(({ id }) => id))).toEqual(puts);
      expect(await range()).toEqual(puts.sort(inOrder));
    });

    it('shows the last of what was written under an id, whole', async () => {
      await write({ puts: [document('a', { key: 'x', bytes: Uint8Array.of(1) })] });
      await write({ puts: [document('a', { key: 'y', sequence: 2 })] });
      expect(await get('a')).toEqual([document('a', { key: 'y', sequence: 2 })]);
      expect(await ids({ from: 'x', below: 'y' })).toEqual([]);
      expect(await ids({ from: 'y', below: 'z' })).toEqual(['a']);
    });

    it('compares keys as bytes, from the first bound on and below the second, equal ones by id', async () => {
      const keys = ['', 'A', 'Z', 'a', 'a!', 'aa', 'ä', '\uffff', '🙂'];
      await write({ puts: keys.flatMap((key) => [document(`2 ${key}`, { key }), document(`1 ${key}`, { key })]) });
      expect(await ids()).toEqual(keys.flatMap((key) => [`1 ${key}`, `2 ${key}`]));
      expect(await ids({ from: 'a', below: 'aa' })).toEqual(['1 a', '2 a', '1 a!', '2 a!']);
      expect(await ids({ from: '\uffff', below: '\u{10ffff}' })).toEqual(['1 \uffff', '2 \uffff', '1 🙂', '2 🙂']);
      expect(await ids({ from: 'b', below: 'b' })).toEqual([]);
    });

    it('pages through a range, also from a document that is not there any more', async () => {
      const keys = ['a', 'a', 'b', 'b', 'c'];
      await write({ puts: keys.map((key, n) => document(`${n}`, { key })) });
      expect(await ids({ limit: 2 })).toEqual(['0', '1']);
      expect(await ids({ limit: 2, after: { key: 'a', id: '1' } })).toEqual(['2', '3']);
      await write({ removes: ['3'] });
      expect(await ids({ limit: 2, after: { key: 'b', id: '3' } })).toEqual(['4']);
      expect(await ids({ after: { key: 'c', id: '4' } })).toEqual([]);
      expect(await ids({ from: 'b', after: { key: 'a', id: '0' } })).toEqual(['2', '4']);
    });

    it('removes, and minds nothing that is not there', async () => {
      await write({ puts: [document('a'), document('b')] });
      await write({ removes: ['a', 'none'] });
      await write({ removes: ['a'] });
      expect(await get('a', 'b')).toEqual([undefined, document('b')]);
      expect(await ids()).toEqual(['b']);
    });

    it('stores a batch of thousands, and its position with it', async () => {
      const puts = Array.from({ length: 3_000 }, (_, n) => document(`${n}`.padStart(4, '0')));
      await write({ puts, position: 3_000 });
      expect(await ids({ after: { key: 'k', id: '1998' } })).toEqual(puts.slice(1_999, 2_999).map(({ id }) => id));
      expect(await documents.position(here, 'c')).toBe(3_000);
    });

    it('never shows a position before the documents that belong to it', async () => {
      let writing = true;
      const reader = async () => {
        while (writing) {
          const position = await documents.position(here, 'c');
          const [newest] = await get('newest');
          expect(newest?.sequence ?? 0).toBeGreaterThanOrEqual(position);
          await new Promise(setImmediate);
        }
      };
      const writer = async () => {
        for (let n = 1; n <= 50; n++) await write({ puts: [document('newest', { sequence: n })], position: n });
      };
      await Promise.all([reader(), writer().finally(() => (writing = false))]);
      expect(await documents.position(here, 'c')).toBe(50);
    });

    it('knows how far a view has come, nothing of one that is new or cleared', async () => {
      expect(await documents.position(here, 'c')).toBe(0);
      await write({ position: 7 });
      expect(await documents.position(here, 'c')).toBe(7);
      await write({ puts: [document('a')] });
      expect(await documents.position(here, 'c')).toBe(7);
      await documents.clear(here, 'c');
      expect(await documents.position(here, 'c')).toBe(0);
    });

    it('creates where the id is free, and otherwise answers what is there', async () => {
      expect(await documents.create(here, 'c', document('a', { body: 1, bytes: Uint8Array.of(1) }))).toBeUndefined();
      const first = document('a', { body: 1, bytes: Uint8Array.of(1) });
      expect(await documents.create(here, 'c', document('a', { body: 2, key: 'other' }))).toEqual(first);
      expect(await range()).toEqual([first]);
      await write({ removes: ['a'] });
      expect(await documents.create(here, 'c', document('a', { body: 3 }))).toBeUndefined();
    });

    it('lets one of many create a document and shows it to all others', async () => {
      const made = Array.from({ length: 20 }, (_, n) => document('a', { body: n }));
      const answers = await Promise.all(made.map((each) => documents.create(here, 'c', each)));
      const [stored] = await get('a');
      expect(answers.filter((answer) => answer === undefined)).toHaveLength(1);
      expect(answers[stored?.body as number]).toBeUndefined();
      for (const answer of answers) if (answer) expect(answer).toEqual(stored);
    });

    it('keeps tenants and collections apart', async () => {
      await write({ puts: [document('a', { body: 'here' })], position: 1 });
      await write({ puts: [document('a', { body: 'there' }), document('b')], position: 2 }, there);
      await write({ collection: 'd', puts: [document('a', { body: 'd' })], position: 3 });
      await documents.clear(there, 'c');
      await write({ collection: 'd', removes: ['a'] });
      expect(await range()).toEqual([document('a', { body: 'here' })]);
      expect(await documents.range(there, 'c', everything)).toEqual([]);
      expect(await documents.range(here, 'd', everything)).toEqual([]);
      const positions = [documents.position(here, 'c'), documents.position(there, 'c'), documents.position(here, 'd')];
      expect(await Promise.all(positions)).toEqual([1, 0, 3]);
    });

    it('is a map of documents, under any run of writes', async () => {
      const name = fc.constantFrom('a', 'b', 'ä', '🙂', 'aa');
      const stored = fc.record({
        id: name,
        key: fc.constantFrom('', 'x', 'y', '\uffff', '🙂'),
        sequence: fc.nat(9),
        body: fc.jsonValue({ maxDepth: 1 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown),
        bytes: fc.uint8Array({ maxLength: 40 }),
      });
      const step = fc.record({
        puts: fc.uniqueArray(stored, { selector: ({ id }) => id, maxLength: 3 }),
        removes: fc.uniqueArray(name, { maxLength: 2 }),
        creates: fc.array(stored, { maxLength: 1 }),
        clears: fc.nat(9).map((n) => n === 0),
      });
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 5 }), name, async (steps, after) => {
          const tenant = TenantId.parse(`run-${++runs}`);
          const model = new Map<string, StoredDocument>();
          for (const { puts, removes, creates, clears } of steps) {
            const put = new Set(puts.map(({ id }) => id));
            const removed = removes.filter((id) => !put.has(id));
            await documents.write(tenant, { collection: 'c', puts, removes: removed });
            for (const id of removed) model.delete(id);
            for (const each of puts) model.set(each.id, each);
            for (const each of creates) {
              expect(await documents.create(tenant, 'c', each)).toEqual(model.get(each.id));
              if (!model.has(each.id)) model.set(each.id, each);
            }
            if (clears) {
              await documents.clear(tenant, 'c');
              model.clear();
            }
          }
          const sorted = [...model.values()].sort(inOrder);
          expect(await documents.range(tenant, 'c', everything)).toEqual(sorted);
          expect(await documents.get(tenant, 'c', ['a', 'b', 'ä'])).toEqual(['a', 'b', 'ä'].map((id) => model.get(id)));
          const rest = sorted.filter((each) => inOrder(each, document(after, { key: 'x' })) > 0);
          const page = { ...everything, after: { key: 'x', id: after }, limit: 2 };
          expect(await documents.range(tenant, 'c', page)).toEqual(rest.slice(0, 2));
        }),
        { numRuns: 60 },
      );
    });
  });
}
