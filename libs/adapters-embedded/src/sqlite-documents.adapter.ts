import type { TenantId } from '#lib/core';
import { type DocumentBatch, type DocumentRange, Documents, type StoredDocument } from '#lib/ports';
import { DocumentFile } from './document-file.js';
import { UnusableFile } from './sqlite-file.js';
import type { WriterSetup } from './writer-protocol.js';

/** What the files hold, so that one is never taken for the other. */
const applicationIds = { views: 0x4c650002, vault: 0x4c650003 };

/**
 * Documents in one SQLite file: views in one, the vault in another. A batch is one transaction, so a view's position never
 * runs ahead of its documents. Removed documents are overwritten where they lay and the write-ahead log emptied before a
 * write is answered; writes that wait together share that.
 */
export class SqliteDocuments extends Documents {
  private readonly documents: DocumentFile;

  /** @throws UnusableFile when the file must not be written to as it is */
  constructor(file: string, holds: 'views' | 'vault', setup: Omit<WriterSetup, 'file' | 'pragmas'> = {}) {
    super();
    try {
      this.documents = new DocumentFile(file, applicationIds[holds], setup);
    } catch (error) {
      if (holds === 'vault' || !(error instanceof UnusableFile)) throw error;
      throw new UnusableFile(`${error.message}; or delete it and its -wal: views are built again from the log`, {
        cause: error,
      });
    }
  }

  async get<Body>(tenant: TenantId, collection: string, ids: readonly string[]) {
    return ids.map((id) => this.documents.one<Body>(tenant, collection, id));
  }

  async range<Body>(tenant: TenantId, collection: string, range: DocumentRange) {
    return this.documents.range<Body>(tenant, collection, range);
  }

  write(tenant: TenantId, batch: DocumentBatch): Promise<void> {
    return this.documents.write(tenant, batch);
  }

  create<Body>(tenant: TenantId, collection: string, document: StoredDocument<Body>) {
    return this.documents.create(tenant, collection, document);
  }

  async position(tenant: TenantId, collection: string): Promise<number> {
    return this.documents.position(tenant, collection);
  }

  clear(tenant: TenantId, collection: string): Promise<void> {
    return this.documents.clear(tenant, collection);
  }

  close(): Promise<void> {
    return this.documents.close();
  }
}
