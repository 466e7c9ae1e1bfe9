import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderInUse, FolderLock } from './folder-lock.js';

/** Another process that holds the folder as a server of ours would, and says so; it runs until it is killed. */
const holding = `
  import { DatabaseSync } from 'node:sqlite';
  const lock = new DatabaseSync(process.argv[1]);
  lock.exec('BEGIN EXCLUSIVE');
  console.log('held');
  setInterval(() => lock.isOpen, 1_000);
`;

describe('FolderLock', () => {
  let parent: string;
  let folder: string;
  let other: ChildProcess | undefined;

  const holdElsewhere = async () => {
    mkdirSync(folder);
    other = spawn(process.execPath, ['--input-type=module', '-e', holding, join(folder, 'lock.db')]);
    await once(other.stdout as NonNullable<typeof other.stdout>, 'data');
    return other;
  };
  const kill = async (child: ChildProcess) => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    other = undefined;
  };
  const thrownBy = (act: () => unknown) => {
    try {
      return act();
    } catch (error) {
      return error;
    }
  };

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'lock-'));
    folder = join(parent, 'data');
  });
  afterEach(async () => {
    if (other) await kill(other);
    rmSync(parent, { recursive: true });
  });

  it('makes the folder, holds it, and lets go of it', () => {
    const lock = FolderLock.hold(folder);
    expect(thrownBy(() => FolderLock.hold(folder))).toBeInstanceOf(FolderInUse);
    lock.release();
    lock.release();
    const again = FolderLock.hold(folder);
    again.release();
    expect(existsSync(join(folder, 'holder.json'))).toBe(false);
  });

  it('says who holds it and what to do', async () => {
    const { pid } = await holdElsewhere();
    writeFileSync(join(folder, 'holder.json'), JSON.stringify({ pid, url: 'http://127.0.0.1:3000' }));
    const error = thrownBy(() => FolderLock.hold(folder));
    expect(error).toMatchObject({ name: 'FolderInUse', folder, holder: { pid, url: 'http://127.0.0.1:3000' } });
    expect((error as Error).message).toBe(
      `${folder} is in use by another process (process ${pid}, serving http://127.0.0.1:3000). ` +
        'One process at a time may hold a data folder: stop that one first, or choose another folder',
    );
  });

  it.each(['', '{"pid":', '{"pid":"1"}'])('is in use whatever the holder said of itself: %j', async (said) => {
    await holdElsewhere();
    writeFileSync(join(folder, 'holder.json'), said);
    expect(thrownBy(() => FolderLock.hold(folder))).toMatchObject({ name: 'FolderInUse', holder: undefined });
  });

  it('is free again at once when its holder is killed', async () => {
    const child = await holdElsewhere();
    writeFileSync(join(folder, 'holder.json'), JSON.stringify({ pid: child.pid }));
    expect(FolderLock.holderOf(folder)).toEqual({ pid: child.pid });
    await kill(child);
    expect(FolderLock.holderOf(folder)).toBeUndefined();
    FolderLock.hold(folder).release();
  });

  it('is held by nobody where there is none, and looking makes none', () => {
    expect(FolderLock.holderOf(folder)).toBeUndefined();
    expect(existsSync(folder)).toBe(false);
  });

  it('lets others find its server, once there is one', () => {
    const lock = FolderLock.hold(folder);
    expect(FolderLock.holderOf(folder)).toEqual({ pid: process.pid });
    lock.announce({ url: 'http://127.0.0.1:3000' });
    expect(FolderLock.holderOf(folder)).toEqual({ pid: process.pid, url: 'http://127.0.0.1:3000' });
    lock.release();
    expect(FolderLock.holderOf(folder)).toBeUndefined();
  });
});
