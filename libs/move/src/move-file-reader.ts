import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { type EndOf, Header, Line, lineBytesMax } from './move-line.js';
import { MoveRefused } from './move-refused.js';

const newline = 0x0a;

/** A line between the first and the last one, and how many bytes of the file have been read. */
export interface ReadLine {
  readonly line: Exclude<Line, { end: unknown }>;
  readonly bytesRead: number;
}

/**
 * Reads a file of a move from its beginning to its end, holding no more than a line of it. Whoever reads to the end knows
 * that the file is whole and as it was written, but not by whom: that is what the tag in `end` is for.
 * @throws MoveRefused from every call, when it cannot be read, is cut short, or not as it was written
 */
export class MoveFileReader {
  private readonly hash = createHash('sha256');
  private number = 0;
  private ended: EndOf | undefined;

  private constructor(
    private readonly name: string,
    private readonly file: FileHandle,
    readonly size: number,
    readonly header: Header,
    private readonly texts: AsyncGenerator<Text>,
  ) {}

  static async open(name: string): Promise<MoveFileReader> {
    let file: FileHandle;
    try {
      file = await open(name);
    } catch (error) {
      throw new MoveRefused(`${name} cannot be read: see to its name and permissions`, { cause: error });
    }
    try {
      const { size } = await file.stat();
      const texts = linesOf(file);
      const { value: first } = await texts.next();
      const header = first && Header.safeParse(parsed(first.bytes));
      if (!header?.success) throw new MoveRefused(`${name} is no export of a tenant, or one of another release`);
      const reader = new MoveFileReader(name, file, size, header.data, texts);
      reader.hash.update(first.bytes);
      return reader;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The sums that the last line holds. Only once `lines` came to its end. */
  get end(): EndOf {
    if (!this.ended) throw new Error('the file was not read to its end');
    return this.ended;
  }

  async *lines(): AsyncGenerator<ReadLine> {
    for await (const { bytes, bytesRead, isWhole } of this.texts) {
      this.number += 1;
      const line = isWhole ? Line.safeParse(parsed(bytes)) : undefined;
      if (this.ended) throw this.refused('something follows its end');
      if (!line?.success) throw isWhole ? this.refused(`line ${this.number + 1} cannot be read`) : this.cut();
      if ('end' in line.data) {
        if (line.data.end.lines !== this.hash.copy().digest('hex')) throw this.refused('its hash is another');
        this.ended = line.data.end;
      } else {
        this.hash.update(bytes);
        yield { line: line.data, bytesRead };
      }
    }
    if (!this.ended) throw this.cut();
  }

  close(): Promise<void> {
    return this.file.close();
  }

  private cut(): MoveRefused {
    return new MoveRefused(`${this.name} is cut short: copy it again, or export again`);
  }

  private refused(what: string): MoveRefused {
    return new MoveRefused(`${this.name} is not as it was written (${what}): copy it again, or export again`);
  }
}

/** A line with its end, where it has one. */
interface Text {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
  readonly bytesRead: number;
}

async function* linesOf(file: FileHandle): AsyncGenerator<Text> {
  let pieces: Buffer[] = [];
  let length = 0;
  let bytesRead = 0;
  const stream = file.createReadStream({ autoClose: false, highWaterMark: 1 << 18 });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0;
    for (let to = chunk.indexOf(newline); to >= 0; to = chunk.indexOf(newline, from)) {
      pieces.push(chunk.subarray(from, to + 1));
      bytesRead += length + to + 1 - from;
      const [only] = pieces;
      yield { bytes: pieces.length === 1 && only ? only : Buffer.concat(pieces), isWhole: true, bytesRead };
      [pieces, length, from] = [[], 0, to + 1];
    }
    pieces.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > lineBytesMax) break;
  }
  if (length > 0) yield { bytes: Buffer.concat(pieces), isWhole: false, bytesRead: bytesRead + length };
}

/** Undefined for what is no JSON. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
