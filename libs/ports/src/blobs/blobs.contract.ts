import type { Blobs } from './blobs.port.js';

interface Opened {
  readonly blobs: Blobs;
  readonly close: () => Promise<void>;
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await new Promise(setImmediate);
    yield Buffer.from(text);
  }
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half of ');
  throw new Error('the source broke');
}

/** What every Blobs must do. `open` gives a fresh, empty one each time. */
export function blobsContract(open: () => Promise<Opened>): void {
  describe('Blobs contract', () => {
    let blobs: Blobs;
    let close: () => Promise<void>;
    const put = (name: string, ...texts: string[]) => blobs.put(name, pieces(...texts));
    const read = async (content: AsyncIterable<Uint8Array> | undefined) => {
      if (!content) return undefined;
      const parts: Uint8Array[] = [];
      for await (const part of content) parts.push(part);
      return Buffer.concat(parts).toString();
    };
    const get = async (name: string) => read(await blobs.get(name));
    const all = () => blobs.list('', '', 1_000);

    beforeEach(async () => {
      ({ blobs, close } = await open());
    });
    afterEach(() => close());

    it('gives back what was put, and says how much it is', async () => {
      expect(await put('exports/2026/lifecycle.csv', 'one ', '', 'ärztin')).toEqual({ bytes: 11 });
      expect(await get('exports/2026/lifecycle.csv')).toBe('one ärztin');
      expect(await put('empty')).toEqual({ bytes: 0 });
      expect(await get('empty')).toBe('');
    });

    it('stores what is larger than any buffer', async () => {
      const large = Array.from({ length: 40 }, (_, n) => `${n % 10}`.repeat(100_000));
      expect(await put('large', ...large)).toEqual({ bytes: 4_000_000 });
      expect(await get('large')).toBe(large.join(''));
    });

    it('has nothing where nothing was put', async () => {
      expect(await blobs.get('none')).toBeUndefined();
      expect(await all()).toEqual([]);
      await put('a/b', 'x');
      expect(await blobs.get('a')).toBeUndefined();
      expect(await blobs.get('a/b/c')).toBeUndefined();
    });

    it('replaces what has the name, also while it is read', async () => {
      await put('a', 'before');
      const reading = await blobs.get('a');
      await put('a', 'after');
      expect(await read(reading)).toMatch(/^(before|after)$/);
      expect(await get('a')).toBe('after');
      expect(await all()).toEqual(['a']);
    });

    it('stores whole or not at all', async () => {
      await put('a', 'before');
      await expect(blobs.put('a', broken())).rejects.toMatchObject({ message: 'the source broke' });
      await expect(blobs.put('new/b', broken())).rejects.toMatchObject({ message: 'the source broke' });
      expect(await get('a')).toBe('before');
      expect(await blobs.get('new/b')).toBeUndefined();
      expect(await all()).toEqual(['a']);
    });

    it('keeps one of two that are put at once, whole', async () => {
      await Promise.all([put('a', 'one', 'one'), put('a', 'two', 'two')]);
      expect(await get('a')).toMatch(/^(oneone|twotwo)$/);
    });

    it('lists names in order, by prefix, page by page', async () => {
      for (const name of ['b', 'a/c', 'a-b/c', 'a/b/c', 'a.b', 'a']) await put(name, 'x');
      const names = ['a', 'a-b/c', 'a.b', 'a/b/c', 'a/c', 'b'];
      expect(await all()).toEqual(names);
      expect(await blobs.list('', '', 2)).toEqual(names.slice(0, 2));
      expect(await blobs.list('', 'a-b/c', 2)).toEqual(names.slice(2, 4));
      expect(await blobs.list('', 'a-', 1)).toEqual(['a-b/c']);
      expect(await blobs.list('a/', '', 10)).toEqual(['a/b/c', 'a/c']);
      expect(await blobs.list('a/b', 'a/b/c', 10)).toEqual([]);
    });

    it('removes, and minds nothing that is not there', async () => {
      await put('a/b', 'x');
      await put('a/c', 'x');
      await blobs.remove('a/b');
      await blobs.remove('a/b');
      await blobs.remove('none');
      await blobs.remove('a');
      expect(await blobs.get('a/b')).toBeUndefined();
      expect(await all()).toEqual(['a/c']);
    });

    it('takes names as long as promised', async () => {
      const part = `a${'._-0'.repeat(24)}xyz`;
      const name = Array.from({ length: 8 }, () => part).join('/');
      await put(name, 'x');
      expect([part.length, await get(name), await all()]).toEqual([100, 'x', [name]]);
    });

    it.each(['', '..', '../a', 'a/../b', '/a', 'a/', 'a//b', '.a', 'a/.b', 'A', 'ä', 'a\0', 'a\\b', 'a\n'])(
      'takes no other names: %j',
      async (name) => {
        await expect(put(name, 'x')).rejects.toMatchObject({ name: 'Error' });
        await expect(blobs.get(name)).rejects.toMatchObject({ name: 'Error' });
        await expect(blobs.remove(name)).rejects.toMatchObject({ name: 'Error' });
      },
    );

    it.each([Array.from({ length: 9 }, () => 'a').join('/'), 'a'.repeat(101)])('nor longer ones: %j', async (name) => {
      await expect(put(name, 'x')).rejects.toMatchObject({ name: 'Error' });
    });
  });
}
