import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TenantId } from '#lib/core';
import { StaleGeneration } from '#lib/ports';
import { keyTableContract } from '#lib/ports/contracts';
import { SqliteKeyTable } from './sqlite-key-table.adapter.js';

keyTableContract(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'));
  const table = new SqliteKeyTable(join(folder, 'keys.db'));
  const close = async () => {
    await table.close();
    rmSync(folder, { recursive: true });
  };
  return { table, close };
});

describe('SqliteKeyTable', () => {
  const tenant = TenantId.parse('here');
  let folder: string;
  let file: string;
  let table: SqliteKeyTable;
  const entry = (keyId: string, generation = 1) => ({ keyId, generation, wrapped: new Uint8Array(randomBytes(72)) });
  const liveFiles = () => Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keys-'));
    file = join(folder, 'keys.db');
    table = new SqliteKeyTable(file);
  });
  afterEach(async () => {
    await table.close();
    rmSync(folder, { recursive: true });
  });

  it('leaves nothing of an erased entry in any file once that resolved, nor of what it replaced', async () => {
    const [erased, replaced, kept] = [entry('erased'), entry('replaced'), entry('kept')];
    for (const each of [erased, replaced, kept]) await table.put(tenant, each);
    const anew = entry('replaced', 2);
    await table.replace(tenant, [anew]);
    await table.erase(tenant, ['erased']);
    const files = liveFiles();
    expect([erased, replaced, kept, anew].map(({ wrapped }) => files.includes(Buffer.from(wrapped)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('lets many erasures share what they wait for', async () => {
    const entries = Array.from({ length: 500 }, (_, n) => entry(`${n}`));
    await Promise.all(entries.map((each) => table.put(tenant, each)));
    const begun = performance.now();
    await Promise.all(entries.map(({ keyId }) => table.erase(tenant, [keyId])));
    expect(performance.now() - begun).toBeLessThan(2_000);
    const files = liveFiles();
    expect(entries.filter(({ wrapped }) => files.includes(Buffer.from(wrapped)))).toEqual([]);
  });

  it('holds entries and floor when its process is killed before it closes', async () => {
    const kept = entry('kept', 3);
    await table.put(tenant, kept);
    await table.raiseFloor(tenant, 3);
    // What the disk holds at this moment, which is what a new process would find.
    const left = join(folder, 'left.db');
    for (const ending of ['', '-wal']) copyFileSync(file + ending, left + ending);
    const found = new SqliteKeyTable(left);
    expect(await found.get(tenant, 'kept')).toEqual(kept);
    await expect(found.put(tenant, entry('new', 2))).rejects.toBeInstanceOf(StaleGeneration);
    await found.close();
  });

  it('takes an entry again whose answer was lost, also when its generation was closed meanwhile', async () => {
    const stored = entry('a');
    await table.put(tenant, stored);
    await table.raiseFloor(tenant, 2);
    await table.put(tenant, stored);
    expect(await table.count(tenant)).toBe(1);
  });

  it('puts all of several entries in the place of older ones, or none', async () => {
    const stored = [entry('a'), entry('b')];
    for (const each of stored) await table.put(tenant, each);
    await table.raiseFloor(tenant, 3);
    await expect(table.replace(tenant, [entry('a', 3), entry('b', 2)])).rejects.toBeInstanceOf(StaleGeneration);
    expect(await table.below(tenant, 9, '', 9)).toEqual(stored);
  });

  it('takes no longer ids and wrappings than promised', async () => {
    await expect(table.put(tenant, entry('k'.repeat(101)))).rejects.toMatchObject({ name: 'RangeError' });
    const long = { ...entry('a'), wrapped: new Uint8Array(501) };
    await expect(table.put(tenant, long)).rejects.toMatchObject({ name: 'RangeError' });
  });
});
