import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandBus } from '@nestjs/cqrs';
import { SqliteDocuments } from '#lib/adapters-embedded';
import { TenantId } from '#lib/core';
import type { StoredEvent } from '#lib/ports';
import { SubjectErasure } from './subject-erasure.js';

const tenant = TenantId.parse('here');

/** Of no concern to it, as most events are: nothing is asked of the rest of the application. */
const other = (sequence: number): StoredEvent => ({
  id: `event-${sequence}`,
  tenant,
  stream: `stream-${sequence}`,
  revision: 1,
  sequence,
  type: 'test.other',
  version: 1,
  data: {},
  at: '2026-01-01T00:00:00.000Z',
  actor: 'tester',
});

describe('SubjectErasure', () => {
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
  const started = () => new SubjectErasure(documents, {} as CommandBus);

  it('keeps its place now and then, and looks again where it is once it was told to', async () => {
    const [follower, elsewhere] = [started(), started()];
    await follower.take([other(1)]);
    expect(await follower.position(tenant)).toBe(1);
    await elsewhere.take([other(1_500)]);
    expect(await follower.position(tenant)).toBe(1);
    follower.reread();
    expect(await follower.position(tenant)).toBe(1_500);
    await follower.take([other(700)]);
    expect(await follower.position(tenant)).toBe(1_500);
  });
});
