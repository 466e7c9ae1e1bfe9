import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MoveRefused } from './move-refused.js';

const bufferedMax = 1 << 20;

/**
 * A file of lines of JSON, for its owner only, that is there whole or not at all: until `end` it lies beside its name, as
 * `.part`, and what a crash left there is written over.
 */
export class MoveFileWriter {
  private readonly hash = createHash('sha256');
  private waiting: string[] = [];
  private waitingLength = 0;

  private constructor(
    private readonly file: string,
    private readonly part: FileHandle,
  ) {}

  /** @throws MoveRefused when something has the name already, or it cannot be written there */
  static async begin(file: string): Promise<MoveFileWriter> {
    try {
      const claimed = await open(file, 'wx', 0o600);
      await claimed.close();
      await rm(file);
      await rm(partOf(file), { force: true });
      return new MoveFileWriter(file, await open(partOf(file), 'wx', 0o600));
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
      throw new MoveRefused(
        isThere ? `${file} is there already: choose another name` : `${file} cannot be written: see to its folder`,
        { cause: error },
      );
    }
  }

  async write(line: object): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    this.hash.update(text);
    this.waiting.push(text);
    this.waitingLength += text.length;
    if (this.waitingLength >= bufferedMax) await this.flush();
  }

  /** SHA-256 of the lines so far. */
  digest(): string {
    return this.hash.copy().digest('hex');
  }

  /** Durable under its name once it resolved. */
  async end(): Promise<void> {
    await this.flush();
    await this.part.sync();
    await this.part.close();
    await rename(partOf(this.file), this.file);
    const folder = await open(dirname(this.file));
    await folder.sync();
    await folder.close();
  }

  /** Nothing stays of it. */
  async abandon(): Promise<void> {
    await this.part.close();
    await rm(partOf(this.file), { force: true });
  }

  private async flush(): Promise<void> {
    const text = this.waiting.join('');
    this.waiting = [];
    this.waitingLength = 0;
    await this.part.writeFile(text);
  }
}

const partOf = (file: string) => `${file}.part`;
