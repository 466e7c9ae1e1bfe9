import type { TenantId } from '#lib/core';
import type { DocumentBatch, DocumentRange, StoredDocument } from '#lib/ports';
import { type FoundRecord, RecordFile } from './record-file.js';
import type { NewRecord, WriterSetup } from './writer-protocol.js';

const textMax = 200;
const rangeMax = 1_000;

/** Before the content: the length of the body, times two; one more where there are bytes after it. */
const headBytes = 4;

/** Documents in a `RecordFile`: body and bytes are the content of a record. */
export class DocumentFile {
  private readonly records: RecordFile;

  /** @throws UnusableFile when the file must not be written to as it is */
  constructor(file: string, applicationId: number, setup: Omit<WriterSetup, 'file' | 'pragmas'> = {}) {
    this.records = new RecordFile(file, applicationId, setup);
  }

  one<Body>(tenant: TenantId, collection: string, id: string): StoredDocument<Body> | undefined {
    const record = this.records.one(tenant, collection, id);
    return record && documentIn<Body>(record);
  }

  range<Body>(tenant: TenantId, collection: string, { from, below, after, limit }: DocumentRange) {
    if (!(limit >= 1 && limit <= rangeMax)) throw new RangeError(`a range is of 1 to ${rangeMax} documents`);
    const found = after
      ? this.records.many('next', tenant, collection, after.key, after.id, from, below, limit)
      : this.records.many('first', tenant, collection, from, below, limit);
    return found.map((record) => documentIn<Body>(record));
  }

  async write(tenant: TenantId, { collection, puts, removes, position }: DocumentBatch): Promise<void> {
    if (puts.length > 0 || removes.length > 0 || position !== undefined) {
      const place = position === undefined ? {} : { position };
      await this.records.write({ tenant, collection, removes, puts: puts.map(recordOf), ...place });
    }
    if (removes.length > 0) await this.records.empty();
  }

  /** As `Documents.create`. */
  async create<Body>(tenant: TenantId, collection: string, document: StoredDocument<Body>) {
    const puts = [recordOf(document)];
    for (;;) {
      const stored = await this.records.write({ tenant, collection, puts, over: 'nothing' });
      if (stored > 0) return undefined;
      const existing = this.one<Body>(tenant, collection, document.id);
      // It may have been removed since.
      if (existing) return existing;
    }
  }

  position(tenant: TenantId, collection: string): number {
    return this.records.position(tenant, collection);
  }

  async clear(tenant: TenantId, collection: string): Promise<void> {
    await this.records.write({ tenant, collection, clear: true });
    await this.records.empty();
  }

  close(): Promise<void> {
    return this.records.close();
  }
}

function recordOf({ id, key, sequence, body, bytes }: StoredDocument): NewRecord {
  for (const text of [id, key]) {
    if (text.length > textMax) throw new RangeError(`ids and keys have at most ${textMax} characters`);
  }
  const text = JSON.stringify(body);
  const bodyBytes = Buffer.byteLength(text);
  const content = Buffer.alloc(headBytes + bodyBytes + (bytes?.length ?? 0));
  content.writeUInt32BE(2 * bodyBytes + (bytes ? 1 : 0));
  content.write(text, headBytes);
  if (bytes) content.set(bytes, headBytes + bodyBytes);
  return { id, key, sequence, content };
}

function documentIn<Body>({ id, key, sequence, content }: FoundRecord): StoredDocument<Body> {
  const whole = Buffer.from(content.buffer, content.byteOffset, content.length);
  const head = whole.readUInt32BE();
  const bodyEnd = headBytes + (head >>> 1);
  const body = JSON.parse(whole.toString('utf8', headBytes, bodyEnd)) as Body;
  return head & 1 ? { id, key, sequence, body, bytes: content.subarray(bodyEnd) } : { id, key, sequence, body };
}
