import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { SharedCheckpoint } from './shared-checkpoint.js';
import { openSqliteFile } from './sqlite-file.js';
import { SqliteWriter, sqliteFault } from './sqlite-writer.js';
import type { NewRecord, RecordUnit, WriterSetup } from './writer-protocol.js';

const schema = `
  CREATE TABLE record (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (tenant, collection, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX record_key ON record (tenant, collection, key, id);
  CREATE TABLE slot (slot INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;
  CREATE TABLE free (size INTEGER NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY (size, slot)) STRICT, WITHOUT ROWID;
  CREATE TABLE position (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant, collection)
  ) STRICT, WITHOUT ROWID`;

/** For what is not in slots: ids and keys are deleted as well as SQLite can. */
const pragmas = 'PRAGMA secure_delete = ON';

/** Kept while nobody writes, which is how a vault lives: a third of what reading a record takes. */
const cacheKib = 32 * 1_024;

const places = 'SELECT id, key, sequence, length, content FROM record JOIN slot USING (slot)';
const inCollection = 'WHERE tenant = ? AND collection = ?';
const prepare = (db: DatabaseSync) => ({
  one: db.prepare(
    `SELECT key, sequence, length, content FROM record JOIN slot USING (slot) ${inCollection} AND id = ?`,
  ),
  first: db.prepare(`${places} ${inCollection} AND key >= ? AND key < ? ORDER BY key, id LIMIT ?`),
  // The plus keeps the lower bound from being taken for where to begin.
  next: db.prepare(
    `${places} ${inCollection} AND (key, id) > (?, ?) AND +key >= ? AND key < ? ORDER BY key, id LIMIT ?`,
  ),
  older: db.prepare(`${places} ${inCollection} AND id > ? AND sequence < ? ORDER BY id LIMIT ?`),
  anyBelow: db.prepare(`SELECT 1 FROM record ${inCollection} AND key < ? LIMIT 1`),
  count: db.prepare(`SELECT count(*) AS count FROM record ${inCollection}`),
  position: db.prepare(`SELECT position FROM position ${inCollection}`),
});

/** A record as it is read: `content` has memory of its own. */
export type FoundRecord = NewRecord;

type OneRow = readonly [key: string, sequence: number, length: number, content: Uint8Array];
type Query = 'first' | 'next' | 'older';

/**
 * Records by tenant, collection and id in one SQLite file, which a thread of its own writes and this one reads. What is
 * removed is then in no live file: `records.program.ts` overwrites it where it lies, and the write-ahead log is emptied.
 */
export class RecordFile {
  private readonly db: DatabaseSync;
  private readonly statements: ReturnType<typeof prepare>;
  private readonly writer: SqliteWriter<RecordUnit, number>;
  private readonly emptied: SharedCheckpoint;

  /** @throws UnusableFile when the file must not be written to as it is */
  constructor(
    private readonly file: string,
    applicationId: number,
    setup: Omit<WriterSetup, 'file' | 'pragmas'> = {},
  ) {
    this.db = openSqliteFile(file, { applicationId, version: 1, schema, pragmas });
    this.db.exec(`PRAGMA cache_size = -${cacheKib}`);
    this.statements = prepare(this.db);
    // The hot path: a fifth quicker so.
    this.statements.one.setReturnArrays(true);
    this.writer = new SqliteWriter({ file, pragmas, ...setup }, 'records');
    this.emptied = new SharedCheckpoint(this.writer);
  }

  one(tenant: string, collection: string, id: string): FoundRecord | undefined {
    const row = this.reading(() => this.statements.one.get(tenant, collection, id)) as OneRow | undefined;
    return row && found({ id, key: row[0], sequence: row[1], length: row[2], content: row[3] });
  }

  /** `first`, `next`: a range by key; `older`: by id, below a sequence. */
  many(query: Query, ...params: readonly SQLInputValue[]): FoundRecord[] {
    return this.reading(() => this.statements[query].all(...params)).map((row) => found(row as unknown as Row));
  }

  hasKeyBelow(tenant: string, collection: string, key: string): boolean {
    return this.reading(() => this.statements.anyBelow.get(tenant, collection, key)) !== undefined;
  }

  count(tenant: string, collection: string): number {
    return this.reading(() => this.statements.count.get(tenant, collection))?.count as number;
  }

  position(tenant: string, collection: string): number {
    return (this.reading(() => this.statements.position.get(tenant, collection))?.position as number | undefined) ?? 0;
  }

  /** Durable once it resolved. @throws StoreUnavailable when it cannot say whether it was stored */
  write(unit: RecordUnit): Promise<number> {
    return this.writer.run(unit);
  }

  /** What was removed or replaced before is, once this resolved, in no live file. @throws StoreUnavailable: do it again */
  empty(): Promise<void> {
    return this.emptied.done();
  }

  async close(): Promise<void> {
    await this.emptied.idle();
    await this.writer.close();
    if (this.db.isOpen) this.db.close();
  }

  private reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      const { errcode, message } = error as Error & { errcode?: number };
      throw errcode === undefined ? error : sqliteFault(this.file, message, errcode);
    }
  }
}

type Row = NewRecord & { readonly length: number };

const found = ({ id, key, sequence, length, content }: Row): FoundRecord => ({
  id,
  key,
  sequence,
  content: content.subarray(0, length),
});
