import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentsContract } from '#lib/ports/contracts';
import { SqliteDocuments } from './sqlite-documents.adapter.js';

describe.each(['views', 'vault'] as const)('SqliteDocuments of %s', (holds) => {
  documentsContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'documents-'));
    const documents = new SqliteDocuments(join(folder, `${holds}.db`), holds);
    const close = async () => {
      await documents.close();
      rmSync(folder, { recursive: true });
    };
    return { documents, close };
  });
});
