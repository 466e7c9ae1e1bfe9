import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { Blobs, type Random } from '#lib/ports';
import { isMissing, syncFolder } from './replaced-file.js';

const shape = /^[a-z0-9][a-z0-9._-]{0,99}(\/[a-z0-9][a-z0-9._-]{0,99}){0,7}$/;
/** No name may begin so, hence none is ever taken for it. */
const unfinished = '.unfinished-';
/** What the folder of a part is called: no part may end so, hence `a` and `a/b` can both be there. */
const inside = '+';

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
    await this.makeFolder(dirname(file));
    const made = join(dirname(file), `${unfinished}${this.random.uuid()}`);
    const opened = await open(made, 'wx', 0o600);
    try {
      await opened.writeFile(content);
      const { size } = await opened.stat();
      await opened.sync();
      await opened.close();
      await rename(made, file);
      await syncFolder(dirname(file));
      return { bytes: size };
    } catch (error) {
      await opened.close();
      await rm(made, { force: true });
      throw error;
    }
  }

  async get(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const file = this.fileOf(name);
    return (await stat(file).catch(ignoringMissing)) && reading(file);
  }

  async list(prefix: string, after: string, limit: number): Promise<readonly string[]> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true }).catch(ignoringMissing);
    const names = (entries ?? [])
      .filter((entry) => entry.isFile() && !entry.name.startsWith(unfinished))
      .map((entry) => relative(this.folder, join(entry.parentPath, entry.name)).replaceAll(`${inside}${sep}`, '/'));
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
    return join(this.folder, name.replaceAll('/', `${inside}/`));
  }

  /** A new folder is durable when the one that holds it is. */
  private async makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!first) return;
    for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
  }
}

/** Opened when it is read, so that whoever does not read it leaves nothing open. */
async function* reading(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file);
}

function ignoringMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
