import type { DatabaseSync } from 'node:sqlite';
import { openSqliteFile, type SqliteLayout, UnusableFile } from './sqlite-file.js';

/** The unique indexes hold even where the code is wrong. */
export const eventLayout: SqliteLayout = {
  applicationId: 0x4c650001,
  version: 1,
  schema: `
    CREATE TABLE event (
      tenant TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      stream TEXT NOT NULL,
      revision INTEGER NOT NULL,
      id TEXT NOT NULL,
      type TEXT NOT NULL,
      version INTEGER NOT NULL,
      data TEXT NOT NULL,
      at TEXT NOT NULL,
      actor TEXT NOT NULL,
      UNIQUE (tenant, sequence),
      UNIQUE (tenant, stream, revision)
    ) STRICT;
    CREATE UNIQUE INDEX tenant ON event (tenant) WHERE sequence = 1`,
};

/**
 * Opens the file of the log for reading, after making it where there was none.
 *
 * Looks whether table and indexes end at the same event, which a file put together from parts of two would not. Whether
 * every event is there, and unchanged, is for whoever replays the log.
 * @throws UnusableFile as `openSqliteFile` does, and when the ends do not fit
 */
export function openEventFile(file: string): DatabaseSync {
  const db = openSqliteFile(file, eventLayout);
  try {
    if (!endsMeet(db)) throw new Error('table and indexes do not end at the same event');
    return db;
  } catch (error) {
    db.close();
    const reason = (error as Error).message;
    throw new UnusableFile(`${file} is damaged (${reason}): keep a copy and restore a backup`, { cause: error });
  }
}

function endsMeet(db: DatabaseSync): boolean {
  const last = db.prepare('SELECT * FROM event ORDER BY rowid DESC LIMIT 1').get();
  if (!last) return true;
  const { tenant = null, stream = null, sequence, revision } = last;
  const log = db.prepare('SELECT * FROM event WHERE tenant = ? ORDER BY sequence DESC LIMIT 1').get(tenant);
  const own = db
    .prepare('SELECT * FROM event WHERE tenant = ? AND stream = ? ORDER BY revision DESC LIMIT 1')
    .get(tenant, stream);
  return log?.sequence === sequence && own?.revision === revision;
}
