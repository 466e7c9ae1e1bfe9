import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SealedFileKeyService, SqliteEventStore } from '#lib/adapters-embedded';
import { SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { type Commit, KeysUnavailable } from '#lib/ports';
import { KeyedStore } from './keyed-store.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');
const commit: Commit = {
  tenant: here,
  stream: 'a',
  expected: 0,
  events: [{ id: '1', type: 'x.done', version: 1, data: {}, at: '2026-01-01T00:00:00.000Z', actor: 'a' }],
};

describe('KeyedStore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyed-'));
  const keys = new SealedFileKeyService(
    { file: join(folder, 'keys.sealed'), rootKeyFile: join(folder, 'root.key'), holdsData: false },
    new SystemRandom(),
  );
  const inner = new SqliteEventStore(join(folder, 'events.db'));
  const store = new KeyedStore(inner, keys);
  afterAll(async () => {
    await inner.close();
    rmSync(folder, { recursive: true });
  });

  it('lets nobody read or write a tenant whose history is there and whose keys are not, until they are', async () => {
    await expect(store.append(commit)).rejects.toBeInstanceOf(KeysUnavailable);
    expect(await inner.head(here)).toBe(0);
    await inner.append(commit);
    const calls = [
      () => store.append({ ...commit, stream: 'b' }),
      () => store.readMany(here, ['a']),
      () => store.readMany(here, ['none']),
      () => store.readLog(here, 0, 10),
    ];
    for (const call of calls) await expect(call()).rejects.toBeInstanceOf(KeysUnavailable);
    await keys.provision(here);
    expect(await store.readMany(here, ['a'])).toMatchObject([[{ id: '1' }]]);
    expect(await store.append({ ...commit, stream: 'b' })).toBe(2);
    expect(await store.readLog(here, 0, 10)).toHaveLength(2);
    expect([await store.head(here), await store.tenants()]).toEqual([2, [here]]);
  });

  it('says of a tenant that is nowhere what any store says', async () => {
    expect(await store.readMany(there, ['a', 'b'])).toEqual([[], []]);
    expect(await store.readLog(there, 0, 10)).toEqual([]);
  });
});
