import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TenantId } from '#lib/core';
import { type KeyEntry, KeyTable, StaleGeneration } from '#lib/ports';
import { SharedCheckpoint } from './shared-checkpoint.js';
import { openSqliteFile, type SqliteLayout } from './sqlite-file.js';
import { SqliteWriter, sqliteFault } from './sqlite-writer.js';
import type { Statement, WriterSetup } from './writer-protocol.js';

const layout: SqliteLayout = {
  applicationId: 0x4c650004,
  version: 1,
  pragmas: 'PRAGMA secure_delete = ON',
  schema: `
    CREATE TABLE entry (
      tenant TEXT NOT NULL,
      key_id TEXT NOT NULL,
      generation INTEGER NOT NULL,
      wrapped BLOB NOT NULL,
      PRIMARY KEY (tenant, key_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE floor (
      tenant TEXT PRIMARY KEY,
      generation INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
};

const columns = 'key_id AS keyId, generation, wrapped';
/** Nothing below the floor is stored: whoever wrapped it began before the generation was being closed. */
const put = `INSERT INTO entry SELECT ?1, ?2, ?3, ?4
  WHERE ?3 >= coalesce((SELECT generation FROM floor WHERE tenant = ?1), 0) ON CONFLICT DO NOTHING`;
const replace = 'UPDATE entry SET generation = ?3, wrapped = ?4 WHERE tenant = ?1 AND key_id = ?2 AND generation < ?3';
const raise = `INSERT INTO floor VALUES (?1, ?2)
  ON CONFLICT DO UPDATE SET generation = max(generation, excluded.generation)`;
const look = `SELECT ${columns} FROM entry WHERE tenant = ? AND key_id = ?`;

/** KeyTable in a SQLite file of its own, `keys.db`: it can be backed up, and its backups destroyed, apart from all else. */
export class SqliteKeyTable extends KeyTable {
  private readonly db: DatabaseSync;
  private readonly writer: SqliteWriter;
  private readonly scrubbing: SharedCheckpoint;
  private readonly one: StatementSync;
  private readonly page: StatementSync;
  private readonly counted: StatementSync;

  /** @throws UnusableFile when the file must not be written to as it is */
  constructor(
    private readonly file: string,
    setup: Omit<WriterSetup, 'file' | 'pragmas'> = {},
  ) {
    super();
    this.db = openSqliteFile(file, layout);
    this.writer = new SqliteWriter({ file, pragmas: layout.pragmas ?? '', ...setup });
    this.scrubbing = new SharedCheckpoint(this.writer);
    this.one = this.db.prepare(look);
    this.page = this.db.prepare(
      `SELECT ${columns} FROM entry WHERE tenant = ? AND key_id > ? AND generation < ? ORDER BY key_id LIMIT ?`,
    );
    this.counted = this.db.prepare('SELECT count(*) AS count FROM entry WHERE tenant = ?');
  }

  async put(tenant: TenantId, { keyId, generation, wrapped }: KeyEntry): Promise<void> {
    const [stored] = await this.writer.run({
      statements: [
        { sql: put, params: [tenant, keyId, generation, wrapped] },
        { sql: look, params: [tenant, keyId] },
      ],
    });
    if (!stored) throw new StaleGeneration(`generation ${generation} is being closed`);
    if (stored.generation !== generation || !Buffer.from(wrapped).equals(stored.wrapped as Uint8Array)) {
      throw new Error(`there is another key named ${keyId}`);
    }
  }

  async get(tenant: TenantId, keyId: string): Promise<KeyEntry | undefined> {
    return this.reading(() => this.one.get(tenant, keyId) as KeyEntry | undefined);
  }

  async erase(tenant: TenantId, keyIds: readonly string[]): Promise<void> {
    const sql = 'DELETE FROM entry WHERE tenant = ? AND key_id = ?';
    await this.all(keyIds.map((keyId) => ({ sql, params: [tenant, keyId] })));
    if (keyIds.length > 0) await this.scrubbing.done();
  }

  async below(tenant: TenantId, generation: number, afterKeyId: string, limit: number): Promise<readonly KeyEntry[]> {
    return this.reading(() => this.page.all(tenant, afterKeyId, generation, limit) as unknown as KeyEntry[]);
  }

  async replace(tenant: TenantId, entries: readonly KeyEntry[]): Promise<void> {
    await this.all(
      entries.map(({ keyId, generation, wrapped }) => ({ sql: replace, params: [tenant, keyId, generation, wrapped] })),
    );
    if (entries.length > 0) await this.scrubbing.done();
  }

  async raiseFloor(tenant: TenantId, generation: number): Promise<void> {
    await this.all([{ sql: raise, params: [tenant, generation] }]);
  }

  async count(tenant: TenantId): Promise<number> {
    return this.reading(() => this.counted.get(tenant)?.count as number);
  }

  async close(): Promise<void> {
    await this.writer.close();
    if (this.db.isOpen) this.db.close();
  }

  private async all(statements: readonly Statement[]): Promise<void> {
    if (statements.length > 0) await this.writer.run({ statements });
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
