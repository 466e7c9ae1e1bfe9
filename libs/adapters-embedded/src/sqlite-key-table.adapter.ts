import type { TenantId } from '#lib/core';
import { type KeyEntry, KeyTable, StaleGeneration } from '#lib/ports';
import { type FoundRecord, RecordFile } from './record-file.js';
import type { NewRecord, WriterSetup } from './writer-protocol.js';

const applicationId = 0x4c650004;
const collection = 'key';
const keyIdMax = 100;
const wrappedMax = 500;
/** How many are erased in one transaction: others have their turn between two. */
const erasedMax = 2_000;

/**
 * KeyTable in a SQLite file of its own, `keys.db`: it can be backed up, and its backups destroyed, apart from all else.
 * An entry is a record, its generation the record's sequence, the floor the position: nothing is put below it.
 */
export class SqliteKeyTable extends KeyTable {
  private readonly records: RecordFile;

  /** @throws UnusableFile when the file must not be written to as it is */
  constructor(file: string, setup: Omit<WriterSetup, 'file' | 'pragmas'> = {}) {
    super();
    this.records = new RecordFile(file, applicationId, setup);
  }

  async put(tenant: TenantId, entry: KeyEntry): Promise<void> {
    const { keyId, generation } = entry;
    const unit = { tenant, collection, notAbove: generation, over: 'nothing', puts: [recordOf(entry)] } as const;
    for (;;) {
      const stored = await this.records.write(unit);
      if (stored > 0) return;
      const found = this.records.one(tenant, collection, keyId);
      if (found?.sequence === generation && Buffer.from(entry.wrapped).equals(found.content)) return;
      if (stored < 0) throw new StaleGeneration(`generation ${generation} is being closed`);
      if (found) throw new Error(`there is another key named ${keyId}`);
      // What stood in the way was erased since.
    }
  }

  async get(tenant: TenantId, keyId: string): Promise<KeyEntry | undefined> {
    const record = this.records.one(tenant, collection, keyId);
    return record && entryIn(record);
  }

  async erase(tenant: TenantId, keyIds: readonly string[]): Promise<void> {
    if (keyIds.length === 0) return;
    const writes: Promise<number>[] = [];
    for (let from = 0; from < keyIds.length; from += erasedMax) {
      writes.push(this.records.write({ tenant, collection, removes: keyIds.slice(from, from + erasedMax) }));
    }
    await Promise.all(writes);
    await this.records.empty();
  }

  async below(tenant: TenantId, generation: number, afterKeyId: string, limit: number): Promise<readonly KeyEntry[]> {
    // Without this, one that finds nothing would look at every entry.
    if (!this.records.hasKeyBelow(tenant, collection, keyOf(generation))) return [];
    return this.records.many('older', tenant, collection, afterKeyId, generation, limit).map(entryIn);
  }

  /** @throws StaleGeneration when the generation of one of them is below the floor: then none was put */
  async replace(tenant: TenantId, entries: readonly KeyEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const notAbove = Math.min(...entries.map(({ generation }) => generation));
    const puts = entries.map(recordOf);
    const stored = await this.records.write({ tenant, collection, notAbove, over: 'older', puts });
    if (stored < 0) throw new StaleGeneration(`generation ${notAbove} is being closed`);
  }

  async raiseFloor(tenant: TenantId, generation: number): Promise<void> {
    await this.records.write({ tenant, collection, position: generation, raises: true });
  }

  async count(tenant: TenantId): Promise<number> {
    return this.records.count(tenant, collection);
  }

  close(): Promise<void> {
    return this.records.close();
  }
}

/** In the order of generations, so that the oldest is found at once. */
const keyOf = (generation: number) => `${generation}`.padStart(10, '0');

function recordOf({ keyId, generation, wrapped }: KeyEntry): NewRecord {
  if (keyId.length > keyIdMax) throw new RangeError(`the id of a key has at most ${keyIdMax} characters`);
  if (wrapped.length > wrappedMax) throw new RangeError(`a wrapped key has at most ${wrappedMax} bytes`);
  return { id: keyId, key: keyOf(generation), sequence: generation, content: wrapped };
}

const entryIn = ({ id, sequence, content }: FoundRecord): KeyEntry => ({
  keyId: id,
  generation: sequence,
  wrapped: content,
});
