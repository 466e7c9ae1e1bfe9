import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TenantId } from '#lib/core';
import type { DocumentBatch, DocumentRange, StoredDocument } from '#lib/ports';
import { SharedCheckpoint } from './shared-checkpoint.js';
import { openSqliteFile } from './sqlite-file.js';
import { SqliteWriter, sqliteFault } from './sqlite-writer.js';
import type { Statement, WriterSetup } from './writer-protocol.js';

const schema = `
  CREATE TABLE document (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    body TEXT NOT NULL,
    bytes BLOB,
    PRIMARY KEY (tenant, collection, id)
  ) STRICT;
  CREATE INDEX document_key ON document (tenant, collection, key, id);
  CREATE TABLE position (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (tenant, collection)
  ) STRICT, WITHOUT ROWID`;

const insert = 'INSERT INTO document (tenant, collection, id, key, sequence, body, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)';
const put = `${insert} ON CONFLICT DO UPDATE SET
  key = excluded.key, sequence = excluded.sequence, body = excluded.body, bytes = excluded.bytes`;
const remove = 'DELETE FROM document WHERE tenant = ? AND collection = ? AND id = ?';
const columns = 'id, key, sequence, body, bytes';
const one = `SELECT ${columns} FROM document WHERE tenant = ? AND collection = ? AND id = ?`;
const range = `SELECT ${columns} FROM document WHERE tenant = ? AND collection = ? AND key >= ? AND key < ?`;
const order = 'ORDER BY key, id LIMIT ?';
const move = `INSERT INTO position VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence`;

const pragmas = 'PRAGMA secure_delete = ON';

/** Documents in one SQLite file: a thread of its own writes it, this one reads it. */
export class DocumentFile {
  private readonly db: DatabaseSync;
  private readonly writer: SqliteWriter;
  private readonly scrubbing: SharedCheckpoint;
  private readonly one: StatementSync;
  private readonly first: StatementSync;
  private readonly next: StatementSync;
  private readonly at: StatementSync;

  /** @throws UnusableFile when the file must not be written to as it is */
  constructor(
    private readonly file: string,
    applicationId: number,
    setup: Omit<WriterSetup, 'file' | 'pragmas'> = {},
  ) {
    this.db = openSqliteFile(file, { applicationId, version: 1, schema, pragmas });
    this.writer = new SqliteWriter({ file, pragmas, ...setup });
    this.scrubbing = new SharedCheckpoint(this.writer);
    this.one = this.db.prepare(one);
    this.first = this.db.prepare(`${range} ${order}`);
    this.next = this.db.prepare(`${range} AND (key, id) > (?, ?) ${order}`);
    this.at = this.db.prepare('SELECT sequence FROM position WHERE tenant = ? AND collection = ?');
  }

  get<Body>(tenant: TenantId, collection: string, ids: readonly string[]): (StoredDocument<Body> | undefined)[] {
    return this.reading(() => ids.map((id) => documentIn<Body>(this.one.get(tenant, collection, id))));
  }

  range<Body>(tenant: TenantId, collection: string, { from, below, after, limit }: DocumentRange) {
    return this.reading(() => {
      const rows = after
        ? this.next.all(tenant, collection, from, below, after.key, after.id, limit)
        : this.first.all(tenant, collection, from, below, limit);
      return rows.flatMap((row) => documentIn<Body>(row) ?? []);
    });
  }

  async write(tenant: TenantId, { collection, puts, removes, position }: DocumentBatch): Promise<void> {
    const statements: Statement[] = [
      ...removes.map((id) => ({ sql: remove, params: [tenant, collection, id] })),
      ...puts.map((document) => ({ sql: put, params: paramsOf(tenant, collection, document) })),
      ...(position === undefined ? [] : [{ sql: move, params: [tenant, collection, position] }]),
    ];
    if (statements.length > 0) await this.writer.run({ statements });
    if (removes.length > 0) await this.scrubbing.done();
  }

  /** Whether it was stored: not where its id was taken. */
  async create(tenant: TenantId, collection: string, document: StoredDocument): Promise<boolean> {
    const sql = `${insert} ON CONFLICT DO NOTHING RETURNING id`;
    const stored = await this.writer.run({ statements: [{ sql, params: paramsOf(tenant, collection, document) }] });
    return stored.length > 0;
  }

  position(tenant: TenantId, collection: string): number {
    return this.reading(() => (this.at.get(tenant, collection)?.sequence as number | undefined) ?? 0);
  }

  async clear(tenant: TenantId, collection: string): Promise<void> {
    const params = [tenant, collection];
    await this.writer.run({
      statements: [
        { sql: 'DELETE FROM position WHERE tenant = ? AND collection = ?', params },
        { sql: 'DELETE FROM document WHERE tenant = ? AND collection = ?', params },
      ],
    });
    await this.scrubbing.done();
  }

  async close(): Promise<void> {
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

const paramsOf = (tenant: TenantId, collection: string, { id, key, sequence, body, bytes }: StoredDocument) => [
  tenant,
  collection,
  id,
  key,
  sequence,
  JSON.stringify(body),
  bytes ?? null,
];

function documentIn<Body>(row: unknown): StoredDocument<Body> | undefined {
  if (!row) return undefined;
  const { body, bytes, ...rest } = row as {
    id: string;
    key: string;
    sequence: number;
    body: string;
    bytes: Uint8Array | null;
  };
  return { ...rest, body: JSON.parse(body), ...(bytes && { bytes }) };
}
