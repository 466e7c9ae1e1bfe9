import { createReadStream } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { Blobs, type Random } from '#lib/ports';
import { syncFolder } from './replaced-file.js';

const shape = /^[a-z0-9][a-z0-9._-]{0,99}(\/[a-z0-9][a-z0-9._-]{0,99}){0,7}$/;
/** No name may begin so, hence none is ever taken for it. */
const unfinished = '.unfinished-';

/** Blobs as files in a folder of their own, readable by their owner only. */
export class FolderBlobs extends Blobs {
  constructor(
    private readonly folder: string,
    private readonly random: Random,
  ) {
    super();
  }

  async put(name: string, content: AsyncIterable<Uint8Array>): Promise<{ readonly bytes: number }> {
    const file = this.fileOf(name);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const made = join(dirname(file), `${unfinished}${this.random.uuid()}`);
    const opened = await open(made, 'wx', 0o600);
    let bytes = 0;
    try {
      for await (const piece of content) {
        await opened.write(piece);
        bytes += piece.length;
      }
      await opened.sync();
    } catch (error) {
      await opened.close();
      await rm(made, { force: true });
      throw error;
    }
    await opened.close();
    await rename(made, file);
    syncFolder(dirname(file));
    return { bytes };
  }

  async get(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const file = this.fileOf(name);
    return (await isThere(file)) ? createReadStream(file) : undefined;
  }

  async list(prefix: string, after: string, limit: number): Promise<readonly string[]> {
    if (!(await isThere(this.folder))) return [];
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith(unfinished))
      .map((entry) => relative(this.folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
    return names
      .filter((name) => name.startsWith(prefix) && name > after)
      .sort((a, b) => (a < b ? -1 : 1))
      .slice(0, limit);
  }

  async remove(name: string): Promise<void> {
    await rm(this.fileOf(name), { force: true });
  }

  /** Names lead nowhere else: no part begins with a dot. */
  private fileOf(name: string): string {
    if (!shape.test(name))
      throw new Error('the name of a blob is 1 to 8 parts of lower-case letters, digits, . _ and -');
    return join(this.folder, ...name.split('/'));
  }
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
