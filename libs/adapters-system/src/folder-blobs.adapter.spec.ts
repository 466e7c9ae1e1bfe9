import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobsContract } from '#lib/ports/contracts';
import { FolderBlobs } from './folder-blobs.adapter.js';
import { SystemRandom } from './system-random.adapter.js';

blobsContract(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blobs-'));
  const blobs = new FolderBlobs(join(folder, 'blobs'), new SystemRandom());
  return { blobs, close: async () => rmSync(folder, { recursive: true }) };
});

describe('FolderBlobs', () => {
  let parent: string;
  let folder: string;
  let blobs: FolderBlobs;
  async function* content(text: string): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  const filesIn = (path: string) => readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'blobs-'));
    folder = join(parent, 'blobs');
    blobs = new FolderBlobs(folder, new SystemRandom());
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it('keeps files for their owner only', async () => {
    await blobs.put('a/b', content('x'));
    for (const path of filesIn(folder).map((name) => join(folder, name))) {
      const stats = statSync(path);
      expect(stats.mode & 0o777).toBe(stats.isDirectory() ? 0o700 : 0o600);
    }
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('shows nothing of what a crash left half written, and is not kept from storing by it', async () => {
    await blobs.put('a/b', content('whole'));
    const [inside] = readdirSync(folder) as [string];
    for (const place of [folder, join(folder, inside)]) writeFileSync(join(place, '.unfinished-x'), 'half of');
    expect(await blobs.list('', '', 10)).toEqual(['a/b']);
    await blobs.put('a/c', content('x'));
    expect(await blobs.list('', '', 10)).toEqual(['a/b', 'a/c']);
  });

  it('leaves nothing behind where a blob could not be stored', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half of ');
      throw new Error('the source broke');
    }
    await expect(blobs.put('a', broken())).rejects.toMatchObject({ message: 'the source broke' });
    expect(filesIn(folder)).toEqual([]);
  });

  it.each(['../outside', 'a/../../outside', '..', '/outside', 'a/./b', '.unfinished-x'])(
    'leads nowhere outside its folder: %j',
    async (name) => {
      mkdirSync(folder);
      writeFileSync(join(parent, 'outside'), 'secret');
      const refusal = { message: expect.stringContaining('the name of a blob') };
      await expect(blobs.get(name)).rejects.toMatchObject(refusal);
      await expect(blobs.put(name, content('x'))).rejects.toMatchObject(refusal);
      await expect(blobs.remove(name)).rejects.toMatchObject(refusal);
      expect(existsSync(join(parent, 'outside'))).toBe(true);
      expect(filesIn(parent)).toEqual(['blobs', 'outside']);
    },
  );
});
