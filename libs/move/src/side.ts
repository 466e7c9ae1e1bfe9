import type { TenantId } from '#lib/core';
import { answersCollection } from '#lib/idempotency/contract';
import type { Clock, Documents, EventStore, KeyService, KeyTable, StoredDocument, Vault } from '#lib/ports';
import { referencesCollection } from '#lib/subjects/contract';
import { pendingCollection, vaultCollection } from '#lib/templates/contract';

/** Where a tenant moves from, or to: whatever family it is of. */
export interface Side {
  readonly store: EventStore;
  readonly keys: KeyService;
  readonly table: KeyTable;
  readonly vault: Vault;
  readonly documents: Documents;
  /** For pauses only. */
  readonly clock: Clock;
}

/** How far a move has come. */
export interface MoveProgress {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}
export type TellProgress = (progress: MoveProgress) => void;

/** What is carried besides the log and the keys, as no log can make it again, or not before the tenant is in use. */
export interface Carried {
  readonly place: 'vault' | 'documents';
  readonly collection: string;
  /** Whether it must arrive to the last byte. What is kept for a day may grow old, and be swept, on the way. */
  readonly isCompared: boolean;
}

/** In this order in a file. All else (views, places of followers) follows the log on the other side by itself. */
export const carried: readonly Carried[] = [
  { place: 'vault', collection: vaultCollection, isCompared: true },
  { place: 'vault', collection: pendingCollection, isCompared: true },
  { place: 'documents', collection: referencesCollection, isCompared: true },
  { place: 'documents', collection: answersCollection, isCompared: false },
];

const pageMax = 200;
/** Above every key there is. */
const end = '\u{10ffff}';

/** Every document of a collection in the order of key and id, a page at a time. */
export async function* pagesOf(
  side: Side,
  tenant: TenantId,
  { place, collection }: Carried,
): AsyncGenerator<readonly StoredDocument[]> {
  for (let last: StoredDocument | undefined; ; ) {
    const after = last && { after: { key: last.key, id: last.id } };
    const page = await side[place].range(tenant, collection, { from: '', below: end, ...after, limit: pageMax });
    if (page.length > 0) yield page;
    if (page.length < pageMax) return;
    last = page.at(-1);
  }
}
