import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TenantId } from '#lib/core';
import { StoreUnavailable } from '#lib/ports';
import { documentsContract } from '#lib/ports/contracts';
import { SqliteDocuments } from './sqlite-documents.adapter.js';

documentsContract(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'documents-'));
  const documents = new SqliteDocuments(join(folder, 'views.db'), 'views');
  const close = async () => {
    await documents.close();
    rmSync(folder, { recursive: true });
  };
  return { documents, close };
});

describe('SqliteDocuments', () => {
  const tenant = TenantId.parse('here');
  const bytes = Buffer.from('sealed template');
  const record = (id: string) => ({ id, key: id, sequence: 0, body: { text: 'body of it' }, bytes });
  let folder: string;
  let file: string;
  let vault: SqliteDocuments;
  const write = (...ids: string[]) => vault.write(tenant, { collection: 'c', puts: ids.map(record), removes: [] });
  const isIn = (text: string) => readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(text));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'documents-'));
    file = join(folder, 'vault.db');
    vault = new SqliteDocuments(file, 'vault');
  });
  afterEach(async () => {
    await vault.close();
    rmSync(folder, { recursive: true });
  });

  it('leaves nothing of a removed document in any file once that resolved', async () => {
    await write('a', 'b');
    await vault.write(tenant, { collection: 'c', puts: [], removes: ['a'] });
    expect([isIn('sealed template'), isIn('body of it')]).toEqual([true, true]);
    await vault.write(tenant, { collection: 'c', puts: [], removes: ['b'] });
    expect([isIn('sealed template'), isIn('body of it')]).toEqual([false, false]);
  });

  it('leaves nothing of a cleared collection either, nor of what stood there before', async () => {
    await write('a', 'b');
    await vault.write(tenant, { collection: 'c', puts: [{ ...record('a'), body: 'another' }], removes: [] });
    await vault.clear(tenant, 'c');
    expect(['sealed template', 'body of it', 'another'].map(isIn)).toEqual([false, false, false]);
  });

  it('lets many removals share what they wait for', async () => {
    const ids = Array.from({ length: 500 }, (_, n) => `${n}`);
    await write(...ids);
    const begun = performance.now();
    await Promise.all(ids.map((id) => vault.write(tenant, { collection: 'c', puts: [], removes: [id] })));
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(isIn('sealed template')).toBe(false);
  });

  it('holds what it answered when its process is killed before it closes', async () => {
    await write('a');
    // What the disk holds at this moment, which is what a new process would find.
    const left = join(folder, 'left.db');
    for (const ending of ['', '-wal']) copyFileSync(file + ending, left + ending);
    const found = new SqliteDocuments(left, 'vault');
    expect(await found.get(tenant, 'c', ['a'])).toEqual([{ ...record('a'), bytes: new Uint8Array(bytes) }]);
    await found.close();
  });

  it('stores a batch whole or not at all, and blames no other', async () => {
    const large = { ...record('large'), bytes: new Uint8Array(400_000) };
    await vault.close();
    vault = new SqliteDocuments(file, 'vault', { commitDelayMs: 0 });
    const tooLong = vault.write(tenant, { collection: 'c', puts: [record('a'), record('x'.repeat(201))], removes: [] });
    const other = vault.write(tenant, { collection: 'c', puts: [large], removes: [], position: 3 });
    await expect(tooLong).rejects.toMatchObject({ name: 'RangeError' });
    await other;
    expect(await vault.get(tenant, 'c', ['a'])).toEqual([undefined]);
    expect(await vault.position(tenant, 'c')).toBe(3);
  });

  it('takes neither a file of the other kind nor anything once it is closed', async () => {
    await vault.close();
    await expect(write('a')).rejects.toBeInstanceOf(StoreUnavailable);
    expect(() => new SqliteDocuments(file, 'views')).toThrow(
      expect.objectContaining({ name: 'UnusableFile', message: expect.stringContaining(file) }),
    );
  });

  it.each([0, 1_001, Number.NaN])('answers no range of %d documents', async (limit) => {
    await expect(vault.range(tenant, 'c', { from: '', below: 'z', limit })).rejects.toMatchObject({
      name: 'RangeError',
    });
  });
});
