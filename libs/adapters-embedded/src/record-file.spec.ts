import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RecordFile } from './record-file.js';

const markBytes = 16;

describe('RecordFile', () => {
  let folder: string;
  let file: string;
  let records: RecordFile;
  const place = { tenant: 'here', collection: 'c' };
  const record = (id: string, content: Uint8Array, sequence = 1) => ({ id, key: id, sequence, content });
  const liveFiles = () => Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'records-'));
    file = join(folder, 'records.db');
    records = new RecordFile(file, 0x4c65fffe);
  });
  afterEach(async () => {
    await records.close();
    rmSync(folder, { recursive: true });
  });

  /** Marks all over the files, by every place they could be at: one look finds all. */
  const foundOf = (marks: ReadonlySet<string>) => {
    const hay = liveFiles().toString('latin1');
    const found = new Set<string>();
    for (let at = 0; at + markBytes <= hay.length; at++) {
      const here = hay.slice(at, at + markBytes);
      if (marks.has(here)) found.add(here);
    }
    return found;
  };
  /** Content of any length, made of one mark after the other. */
  const marked = (length: number) => {
    const mark = randomBytes(markBytes);
    return { mark: mark.toString('latin1'), content: Buffer.alloc(Math.max(length, markBytes), mark) };
  };

  // As large as it takes: of documents in plain rows, deleted securely, five to eight could be read afterwards.
  it.each([
    ['wrapped keys', 12, 150, () => 68],
    ['templates', 12, 150, () => 2_400],
    ['documents', 40, 400, () => randomInt(20, 700)],
    ['anything', 12, 150, () => randomInt(20, 9_000)],
  ])('leaves nothing of what was removed or replaced: %s', async (_, rounds, each, length) => {
    const live = new Map<string, string>();
    const gone = new Set<string>();
    let made = 0;
    for (let round = 0; round < rounds; round++) {
      const fresh = Array.from({ length: each }, () => ({ id: randomBytes(12).toString('hex'), ...marked(length()) }));
      const ids = [...live.keys()];
      const changed = ids.filter((_, n) => n % 10 === round % 10).map((id) => ({ id, ...marked(length()) }));
      const removes = ids.filter((_, n) => n % 6 === 1 && n % 10 !== round % 10);
      for (const id of [...removes, ...changed.map(({ id }) => id)]) gone.add(live.get(id) ?? '');
      for (const id of removes) live.delete(id);
      for (const { id, mark } of [...fresh, ...changed]) live.set(id, mark);
      const puts = [...fresh, ...changed].map(({ id, content }) => record(id, content, ++made));
      await records.write({ ...place, removes, puts });
    }
    await records.empty();
    expect(gone.size).toBeGreaterThan(600);
    expect([...foundOf(gone)]).toEqual([]);
    expect(foundOf(new Set(live.values())).size).toBe(live.size);
    await records.write({ ...place, clear: true });
    await records.empty();
    expect([...foundOf(new Set(live.values()))]).toEqual([]);
  });

  it('uses again what became free, and grows no more', async () => {
    const fill = (mark: number) =>
      Array.from({ length: 200 }, (_, n) => record(`${n}`, Buffer.alloc(500 + (n % 3), mark)));
    const ids = fill(0).map(({ id }) => id);
    await records.write({ ...place, puts: fill(1) });
    await records.empty();
    const { length } = readFileSync(file);
    for (let round = 2; round < 8; round++) {
      await records.write({ ...place, removes: ids });
      await records.write({ ...place, puts: fill(round) });
    }
    await records.empty();
    expect(readFileSync(file).length).toBeLessThan(length * 1.1);
    expect(records.one('here', 'c', '7')).toEqual(record('7', Buffer.alloc(501, 7)));
  });

  it('gives back content of any length', async () => {
    const lengths = [0, 1, 15, 16, 17, 127, 128, 129, 4_000, 4_096, 65_537, 1_000_000];
    const puts = lengths.map((length) => record(`${length}`, randomBytes(length)));
    await records.write({ ...place, puts });
    for (const each of puts) {
      const found = records.one('here', 'c', each.id);
      expect(Buffer.compare(found?.content ?? Buffer.of(1), each.content)).toBe(0);
    }
  });

  it('is a whole database afterwards, every slot used or free', async () => {
    const puts = Array.from({ length: 300 }, (_, n) => record(`${n}`, randomBytes(10 * n)));
    await records.write({ ...place, puts });
    await records.write({ ...place, removes: puts.filter((_, n) => n % 2).map(({ id }) => id) });
    await records.write({ ...place, puts: puts.map(({ id }, n) => record(id, randomBytes(3_000 - 10 * n))) });
    await records.close();
    const db = new DatabaseSync(file);
    expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    const used = 'SELECT slot FROM record UNION ALL SELECT slot FROM free';
    expect(db.prepare(`SELECT count(*) = count(DISTINCT slot) AS once FROM (${used})`).get()).toEqual({ once: 1 });
    expect(db.prepare(`SELECT count(*) AS n FROM slot WHERE slot NOT IN (${used})`).get()).toEqual({ n: 0 });
    db.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
  });

  it('finds a page by where it begins, however many stand before it', () => {
    const db = new DatabaseSync(file);
    const plan = (sql: string) =>
      db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => detail)
        .join('; ');
    const from = 'SELECT * FROM record JOIN slot USING (slot) WHERE tenant = 1 AND collection = 1';
    expect(plan(`${from} AND (key, id) > (2, 3) AND +key >= 4 AND key < 5 ORDER BY key, id LIMIT 1`)).toMatch(
      /^SEARCH record USING INDEX record_key \(tenant=\? AND collection=\? AND \(key,id\)>\(\?,\?\) AND key<\?\); SEARCH slot USING INTEGER PRIMARY KEY/,
    );
    expect(plan(`${from} AND id > 1 AND sequence < 5 ORDER BY id LIMIT 1`)).toMatch(
      /^SEARCH record USING PRIMARY KEY \(tenant=\? AND collection=\? AND id>\?\); SEARCH slot/,
    );
    db.close();
  });
});
