import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What a database file of ours holds. */
export interface SqliteLayout {
  /** SQLite's `application_id`, 'Le' and a number of its own for each kind of file: 0x4c650001 ... */
  readonly applicationId: number;
  /** SQLite's `user_version`: counts changes of the schema. */
  readonly version: number;
  /** Creates everything in a new file. */
  readonly schema: string;
  /** Run on every connection before anything else. */
  readonly pragmas?: string;
}

/** A file that must not be written to as it is: it says which, why, and what to do. */
export class UnusableFile extends Error {
  override readonly name = 'UnusableFile';
}

/**
 * Opens a database file for reading, after making it where there was none; writing is for its SqliteWriter.
 *
 * Takes milliseconds however large it is: header, kind, version and length are looked at, not every page.
 * @throws UnusableFile when it is empty, cut off, damaged, of another kind, of a newer version, or cannot be written
 */
export function openSqliteFile(file: string, layout: SqliteLayout): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    if (!existsSync(file)) {
      // SQLite would take it for the log of the new file.
      if (existsSync(`${file}-wal`))
        throw unusable(file, 'is missing, but its -wal is there: restore a backup of both');
      create(file, layout);
    }
    const { size } = statSync(file);
    if (size === 0) throw unusable(file, 'is empty: if it ever held data, restore a backup; otherwise delete it');
    db = new DatabaseSync(file, { timeout: 5_000 });
    db.exec(`PRAGMA query_only = ON; ${layout.pragmas ?? ''}`);
    check(file, db, layout, size);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof UnusableFile ? error : unusable(file, reasonOf(error), error);
  }
}

/** Beside its place first: a crash leaves a whole file there or none, so an empty one is a loss and not a beginning. */
function create(file: string, { applicationId, version, schema, pragmas = '' }: SqliteLayout): void {
  const made = `${file}.new`;
  for (const left of [made, `${made}-wal`, `${made}-shm`]) rmSync(left, { force: true });
  const db = new DatabaseSync(made);
  try {
    // One fsync below does for all.
    db.exec(`${pragmas}; PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; BEGIN; ${schema};
      PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}; COMMIT`);
  } finally {
    db.close();
  }
  sync(made);
  renameSync(made, file);
  sync(dirname(file));
}

function sync(path: string): void {
  const opened = openSync(path, 'r');
  fsyncSync(opened);
  closeSync(opened);
}

function check(file: string, db: DatabaseSync, layout: SqliteLayout, size: number): void {
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0] as number;
  if (size % pragma('page_size') !== 0) throw unusable(file, 'is cut off: restore a backup');
  if (pragma('application_id') !== layout.applicationId) throw unusable(file, 'was not made for this: move it away');
  const version = pragma('user_version');
  if (version > layout.version) throw unusable(file, `is of version ${version}, to be read by a newer release`);
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
}

const reasons: Readonly<Record<number, string>> = {
  8: 'cannot be written: see to the permissions of the file and its folder',
  11: 'is damaged or cut off: keep a copy and restore a backup',
  13: 'cannot be written, because the disk is full: make room, then start again',
  14: 'cannot be opened: see to its folder and the permissions',
  26: 'is no database: keep a copy and restore a backup',
};

const reasonOf = (error: unknown): string => {
  const { errcode = 0, message } = error as { errcode?: number; message: string };
  return reasons[errcode & 0xff] ?? `cannot be opened (${message})`;
};

const unusable = (file: string, reason: string, cause?: unknown) => new UnusableFile(`${file} ${reason}`, { cause });
