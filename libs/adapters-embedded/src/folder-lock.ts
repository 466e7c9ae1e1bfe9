import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '#lib/core';
import { UnusableFile } from './sqlite-file.js';

/** How long to wait for whoever only looks whether the folder is held. */
const lockTimeoutMs = 500;
const sqliteBusy = 5;
const sqliteFull = 13;
/** Read-only, or not to be opened. */
const sqliteDenied = new Set([8, 14]);
const lockFile = 'lock.db';
const holderFile = 'holder.json';

/** Who holds a data folder: as it said itself. */
export interface Holder {
  readonly pid: number;
  /** Where its server is found, once it listens. */
  readonly url?: string;
}

/** Another process holds the folder: end it, or ask it to do what was wanted. */
export class FolderInUse extends Fault {
  override readonly name = 'FolderInUse';

  constructor(
    readonly folder: string,
    readonly holder: Holder | undefined,
  ) {
    const { pid, url } = holder ?? {};
    const who = [pid && `process ${pid}`, url && `serving ${url}`].filter(Boolean).join(', ');
    super(
      `${folder} is in use by another process${who ? ` (${who})` : ''}. One process at a time may hold a data folder: stop that one first, or choose another folder`,
    );
  }
}

/**
 * A data folder, held by this process and no other.
 *
 * Held by an exclusive transaction on a file of its own, so the operating system lets go of it however the process ends:
 * there is nothing to clean up after a crash. Not for network file systems, whose locks do not hold.
 */
export class FolderLock {
  private constructor(
    private readonly folder: string,
    private readonly lock: DatabaseSync,
  ) {}

  /**
   * Takes the folder, after making it where there is none.
   * @throws FolderInUse when another process, or another part of this one, holds it; UnusableFile when nobody could
   */
  static hold(folder: string): FolderLock {
    try {
      mkdirSync(folder, { recursive: true });
      const lock = tryLock(folder);
      if (lock) return FolderLock.announced(folder, lock);
    } catch (error) {
      throw new UnusableFile(`${folder} cannot be used as the data folder: ${reasonOf(error)}`, { cause: error });
    }
    throw new FolderInUse(folder, read(folder));
  }

  private static announced(folder: string, lock: DatabaseSync): FolderLock {
    const held = new FolderLock(folder, lock);
    try {
      held.announce({});
      return held;
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  /** Who holds the folder now; undefined when nobody does. What a holder that crashed left behind does not count. */
  static holderOf(folder: string): Holder | undefined {
    if (!existsSync(join(folder, lockFile))) return undefined;
    const lock = tryLock(folder);
    lock?.close();
    return lock ? undefined : read(folder);
  }

  /** Lets others find this process. */
  announce({ url }: { readonly url?: string }): void {
    const made = join(this.folder, `${holderFile}.new`);
    const holder: Holder = { pid: process.pid, ...(url && { url }) };
    const file = openSync(made, 'w', 0o600);
    writeSync(file, JSON.stringify(holder));
    fsyncSync(file);
    closeSync(file);
    renameSync(made, join(this.folder, holderFile));
  }

  /** Lets go of the folder. Close everything in it first. */
  release(): void {
    if (!this.lock.isOpen) return;
    rmSync(join(this.folder, holderFile), { force: true });
    this.lock.close();
  }
}

/** Why there is no holding a folder, and what to do: by the code of the system, or of SQLite. */
function reasonOf(error: unknown): string {
  const { code = '', errcode = 0, message } = error as { code?: string; errcode?: number; message: string };
  if (code === 'ENOSPC' || (errcode & 0xff) === sqliteFull) return 'the disk is full: make room, then start again';
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'something else has its name: choose another one';
  const isDenied = ['EACCES', 'EPERM', 'EROFS'].includes(code) || sqliteDenied.has(errcode & 0xff);
  return isDenied ? 'it cannot be written: see to its permissions, or choose another one' : message;
}

/** The lock, or undefined where another connection has it. */
function tryLock(folder: string): DatabaseSync | undefined {
  const lock = new DatabaseSync(join(folder, lockFile), { timeout: lockTimeoutMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if ((((error as { errcode?: number }).errcode ?? 0) & 0xff) === sqliteBusy) return undefined;
    throw error;
  }
}

function read(folder: string): Holder | undefined {
  try {
    const { pid, url } = JSON.parse(readFileSync(join(folder, holderFile), 'utf8')) as Partial<Holder>;
    return typeof pid === 'number' ? { pid, ...(typeof url === 'string' && { url }) } : undefined;
  } catch {
    // It has not said yet, or what it said is lost: the lock alone counts.
    return undefined;
  }
}
