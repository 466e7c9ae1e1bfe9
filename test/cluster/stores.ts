import {
  clusterEnvironment,
  MongoDocuments,
  MongoEventStore,
  MongoKeyTable,
  openDatabase,
  placesOf,
} from '#lib/adapters-cluster';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { StoredDocument, StoredEvent } from '#lib/ports';
import { logIn } from './stored-log.js';

const pageMax = 500;

/** The stores of a cluster as they lie in its databases, read past everything that serves them. */
export class Stores {
  private constructor(
    private readonly log: MongoEventStore,
    private readonly views: MongoDocuments,
    private readonly vault: MongoDocuments,
    private readonly keys: MongoKeyTable,
    private readonly closings: readonly (() => Promise<unknown>)[],
  ) {}

  static async open(env: NodeJS.ProcessEnv): Promise<Stores> {
    const settings = clusterEnvironment({}).parse({ ...env, MONGODB_TIMEOUT_MS: '20000' });
    const places = placesOf(settings, { blobsFolder: '' });
    const ticks = new SystemClock();
    const connections = await Promise.all([places.store, places.vault, places.keys].map(openDatabase));
    const [events, sealed, wrapped] = connections as [(typeof connections)[0], ...typeof connections];
    const log = await MongoEventStore.open(events, ticks);
    return new Stores(
      log,
      await MongoDocuments.open(events, 'views', ticks),
      await MongoDocuments.open(sealed ?? events, 'vault', ticks),
      await MongoKeyTable.open(wrapped ?? events, ticks),
      [() => log.close(), ...connections.map((connection) => () => connection.destroy())],
    );
  }

  logOf(tenant: string, known?: readonly StoredEvent[]): Promise<StoredEvent[]> {
    return logIn(this.log, TenantId.parse(tenant), known);
  }

  viewPosition(tenant: string, view: string): Promise<number> {
    return this.views.position(TenantId.parse(tenant), view);
  }

  /** All documents of a view, in their order. */
  async documentsOf(tenant: string, view: string): Promise<StoredDocument[]> {
    const found: StoredDocument[] = [];
    for (;;) {
      const last = found.at(-1);
      const after = last && { after: { key: last.key, id: last.id } };
      const range = { from: '', below: '~', limit: pageMax, ...after };
      const page = await this.views.range(TenantId.parse(tenant), view, range);
      found.push(...page);
      if (page.length < pageMax) return found;
    }
  }

  /** Which of these keys or their records are still there. */
  async remainsOf(tenant: string, keyIds: readonly string[]): Promise<string[]> {
    const records = await this.vault.get(TenantId.parse(tenant), 'templates', keyIds);
    const remains = records.flatMap((record) => (record ? [`record ${record.id}`] : []));
    for (const keyId of keyIds) if (await this.keys.get(TenantId.parse(tenant), keyId)) remains.push(`key ${keyId}`);
    return remains;
  }

  async close(): Promise<void> {
    for (const close of this.closings) await close();
  }
}
