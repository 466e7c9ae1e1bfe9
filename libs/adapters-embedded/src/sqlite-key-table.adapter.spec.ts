import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
