import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '#lib/ports';
import { openSqliteFile } from './sqlite-file.js';
import { SqliteWriter } from './sqlite-writer.js';
import type { WriterSetup } from './writer-protocol.js';

const layout = {
  applicationId: 0x4c65ffff,
  version: 1,
  schema: 'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT',
};

const put = (id: number, text: unknown = 'x') => ({
  statements: [{ sql: 'INSERT INTO note VALUES (?, ?) RETURNING id', params: [id, text as string] }],
});
const sql = (text: string) => ({ statements: [{ sql: text, params: [] }] });

describe('SqliteWriter', () => {
  let folder: string;
  let file: string;
  let reader: DatabaseSync;
  let writer: SqliteWriter;
  const ids = () =>
    reader
      .prepare('SELECT id FROM note ORDER BY id')
      .all()
      .map(({ id }) => id);
  const open = (setup: Partial<WriterSetup> = {}) => {
    writer = new SqliteWriter({ file, ...setup });
    return writer;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'writer-'));
    file = join(folder, 'notes.db');
    reader = openSqliteFile(file, layout);
    open();
  });
  afterEach(async () => {
    await writer.close();
    reader.close();
    rmSync(folder, { recursive: true });
  });

  it('answers the rows of the last statement, and a reader sees what was answered', async () => {
    expect(await writer.run(put(1))).toEqual([{ id: 1 }]);
    expect(ids()).toEqual([1]);
    const both = { statements: [...put(2).statements, { sql: 'SELECT count(*) AS n FROM note', params: [] }] };
    expect(await writer.run(both)).toEqual([{ n: 2 }]);
  });

  it('stores a unit whole or not at all, and lets no other one pay for it', async () => {
    const twice = { statements: [...put(2).statements, ...put(1).statements] };
    const results = await Promise.allSettled([writer.run(put(1)), writer.run(twice), writer.run(put(3))]);
    expect(results).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { message: expect.stringContaining('UNIQUE'), errcode: 1555 } },
      { status: 'fulfilled' },
    ]);
    expect(ids()).toEqual([1, 3]);
  });

  it('rejects what cannot cross to its thread, and that alone', async () => {
    const results = await Promise.allSettled(
      [put(1), put(2, () => 'a function'), put(3)].map((unit) => writer.run(unit)),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(ids()).toEqual([1, 3]);
  });

  it('keeps the event loop free while its disk is slow, and shares one commit among those that wait', async () => {
    await writer.close();
    open({ commitDelayMs: 100 });
    await writer.run(put(0));
    let turns = 0;
    const ticking = setInterval(() => turns++, 5);
    const start = performance.now();
    await Promise.all(Array.from({ length: 200 }, (_, n) => writer.run(put(n + 1))));
    const tookMs = performance.now() - start;
    clearInterval(ticking);
    expect(tookMs).toBeLessThan(1_500);
    expect(turns).toBeGreaterThan(5);
    expect(ids()).toHaveLength(201);
  });

  it('turns units away when too many wait, and keeps those that do', async () => {
    const results = await Promise.allSettled(Array.from({ length: 10_001 }, (_, n) => writer.run(put(n))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10_000);
    expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) });
    await writer.run(put(10_001));
  });

  it('says when the disk is full, keeps what fits, and goes on when there is room', async () => {
    await writer.run(sql('PRAGMA max_page_count = 10'));
    const results = await Promise.allSettled(
      [put(1), put(2, 'x'.repeat(100_000)), put(3)].map((unit) => writer.run(unit)),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({
      reason: { name: 'StoreUnavailable', message: expect.stringContaining('disk is full') },
    });
    await writer.run(sql('PRAGMA max_page_count = 1000'));
    await writer.run(put(2, 'x'.repeat(100_000)));
    expect(ids()).toEqual([1, 2, 3]);
  });

  it('says when the file cannot be written', async () => {
    await writer.close();
    open({ pragmas: 'PRAGMA query_only = ON' });
    await expect(writer.run(put(1))).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringMatching(/notes\.db: it cannot be written/),
    });
  });

  it('says when the file cannot be opened', async () => {
    await writer.close();
    open({ file: join(folder, 'nowhere', 'notes.db') });
    await expect(writer.run(put(1))).rejects.toMatchObject({ message: expect.stringContaining('cannot be opened') });
  });

  it('works again, in a new thread, after its thread died', async () => {
    await writer.run(put(1));
    // Not a number: the thread throws where it opens the program, as any bug of ours would make it.
    const broken = new SqliteWriter({ file }, 'none' as never);
    await expect(broken.run(put(2))).rejects.toMatchObject({ message: expect.stringContaining('its writer ended') });
    await expect(broken.run(put(2))).rejects.toBeInstanceOf(StoreUnavailable);
    await broken.close();
    await writer.run(put(2));
    expect(ids()).toEqual([1, 2]);
  });

  it('empties the write-ahead log on demand', async () => {
    await writer.run(put(1));
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
    await writer.checkpoint();
    expect(statSync(`${file}-wal`).size).toBe(0);
  });

  it('stores what waits when it is closed, and takes nothing afterwards', async () => {
    const waiting = writer.run(put(1));
    await writer.close();
    expect(await waiting).toEqual([{ id: 1 }]);
    await expect(writer.run(put(2))).rejects.toMatchObject({ message: 'the store is closed' });
    await writer.close();
    expect(ids()).toEqual([1]);
  });
});
