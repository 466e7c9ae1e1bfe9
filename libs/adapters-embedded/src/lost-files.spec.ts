import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TenantId } from '#lib/core';
import { assertNothingLost } from './lost-files.js';
import { SqliteEventStore } from './sqlite-event-store.adapter.js';

const tenant = TenantId.parse('here');
const fact = { id: '1', type: 'a.b', version: 1, data: {}, at: '2026-06-01T00:00:00.000Z', actor: 'nurse' };

describe('a file that is missing', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-lost-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const log = async (events: readonly object[]) => {
    const store = new SqliteEventStore(join(folder, 'events.db'));
    if (events.length > 0) await store.append({ tenant, stream: 's', expected: 0, events: [fact] });
    await store.close();
  };
  const make = (...names: string[]) => {
    for (const name of names) writeFileSync(join(folder, name), '');
  };
  const assert = () => assertNothingLost(folder);

  it('is none in a new folder, nor where a first start ended before its first fact', async () => {
    expect(assert).not.toThrow();
    await log([]);
    expect(assert).not.toThrow();
    make('vault.db');
    expect(assert).not.toThrow();
  });

  it('is lost where the log holds a fact, or where the log itself is what is missing', async () => {
    make('vault.db', 'keys.db');
    const isMissing = (name: string) =>
      expect.objectContaining({ name: 'UnusableFile', message: expect.stringContaining(name) });
    expect(assert).toThrow(isMissing('events.db is missing'));
    await log([fact]);
    expect(assert).not.toThrow();
    rmSync(join(folder, 'vault.db'));
    expect(assert).toThrow(isMissing('vault.db is missing'));
  });
});
