import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteDocuments } from '#lib/adapters-embedded';
import { TenantId } from '#lib/core';
import type { StoredEvent } from '../event-store/event-store.port.js';
import { ReactingFollower } from './reacting-follower.js';

const tenant = TenantId.parse('here');

const fact = (sequence: number, type = 'test.other'): StoredEvent => ({
  id: `event-${sequence}`,
  tenant,
  stream: `stream-${sequence}`,
  revision: 1,
  sequence,
  type,
  version: 1,
  data: {},
  at: '2026-01-01T00:00:00.000Z',
  actor: 'tester',
});

/** Minds facts of one type. */
class Minding extends ReactingFollower {
  readonly name = 'minding';
  readonly seen: number[] = [];

  protected async react(fresh: readonly StoredEvent[]): Promise<boolean> {
    this.seen.push(...fresh.map(({ sequence }) => sequence));
    return fresh.some(({ type }) => type === 'test.minded');
  }
}

describe('ReactingFollower', () => {
  let folder: string;
  let documents: SqliteDocuments;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'follower-'));
    documents = new SqliteDocuments(join(folder, 'views.db'), 'views');
  });
  afterEach(async () => {
    await documents.close();
    rmSync(folder, { recursive: true });
  });
  const saved = () => documents.position(tenant, 'minding');

  it('takes no fact twice while it runs', async () => {
    const follower = new Minding(documents);
    await follower.take([]);
    await follower.take([fact(1), fact(2)]);
    await follower.take([fact(2), fact(3)]);
    await follower.take([fact(1)]);
    expect(follower.seen).toEqual([1, 2, 3]);
    expect(await follower.position(tenant)).toBe(3);
  });

  it('writes its place down when something was done, and otherwise now and then', async () => {
    const follower = new Minding(documents);
    await follower.take([fact(1)]);
    expect(await saved()).toBe(0);
    await follower.take([fact(2, 'test.minded')]);
    expect(await saved()).toBe(2);
    await follower.take([fact(1_001)]);
    expect(await saved()).toBe(2);
    await follower.take([fact(1_002)]);
    expect(await saved()).toBe(1_002);
  });

  it('does not move past a fact about which nothing could be done', async () => {
    class Failing extends Minding {
      protected override react = () => Promise.reject(new Error('not now'));
    }
    const follower = new Failing(documents);
    await expect(follower.take([fact(1, 'test.minded')])).rejects.toThrow('not now');
    expect([await follower.position(tenant), await saved()]).toEqual([0, 0]);
  });

  it('looks again where it is once it was told to', async () => {
    const [follower, elsewhere] = [new Minding(documents), new Minding(documents)];
    await follower.take([fact(1)]);
    await elsewhere.take([fact(1_500)]);
    expect(await follower.position(tenant)).toBe(1);
    follower.reread();
    expect(await follower.position(tenant)).toBe(1_500);
    await follower.take([fact(700)]);
    expect(await follower.position(tenant)).toBe(1_500);
  });
});
