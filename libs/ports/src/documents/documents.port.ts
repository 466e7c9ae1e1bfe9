import type { TenantId } from '#lib/core';

/** A document: a JSON body, bytes beside it where it has some, found by id or in the order of `key`. */
export interface StoredDocument<Body = unknown> {
  /** At most 200 characters. */
  readonly id: string;
  /** What ranges are ordered by, compared as bytes (UTF-8); equal keys go by id. At most 200 characters. */
  readonly key: string;
  /** The place in the tenant's log of the last event it shows; 0 where it was not made from the log. */
  readonly sequence: number;
  readonly body: Body;
  readonly bytes?: Uint8Array;
}

/** A part of a collection: keys from `from` on and below `below`, after the document named by `after`. */
export interface DocumentRange {
  readonly from: string;
  readonly below: string;
  readonly after?: { readonly key: string; readonly id: string };
  /** 1 to 1,000. */
  readonly limit: number;
}

/** What changes together, or not at all where the family can promise it; each document whole in any case. */
export interface DocumentBatch {
  readonly collection: string;
  readonly puts: readonly StoredDocument[];
  /** Ids. Removing what is not there is no error. */
  readonly removes: readonly string[];
  /** How far a view made of this collection has come: stored with the documents or after them, never before. */
  readonly position?: number;
}

/**
 * Documents by tenant, collection and id: what views are made of, and records beside the log.
 *
 * Durable: a write that resolved survives a crash. Not trusted: whatever a view shows can be built again from the log.
 * A removed document leaves no readable trace in the adapter's own live files once the write resolved.
 */
export abstract class Documents {
  /** In the order asked for; undefined where there is none. */
  abstract get<Body>(
    tenant: TenantId,
    collection: string,
    ids: readonly string[],
  ): Promise<readonly (StoredDocument<Body> | undefined)[]>;

  /** In the order of key and id, both bounds needed. */
  abstract range<Body>(
    tenant: TenantId,
    collection: string,
    range: DocumentRange,
  ): Promise<readonly StoredDocument<Body>[]>;

  /** @throws StoreUnavailable when it cannot say whether it was stored; the same write may be repeated */
  abstract write(tenant: TenantId, batch: DocumentBatch): Promise<void>;

  /** Stores it if its id is free and answers undefined; otherwise stores nothing and answers what is there. */
  abstract create<Body>(
    tenant: TenantId,
    collection: string,
    document: StoredDocument<Body>,
  ): Promise<StoredDocument<Body> | undefined>;

  /** How far the view that `collection` holds has come; 0 for one that is new or cleared. */
  abstract position(tenant: TenantId, collection: string): Promise<number>;

  /** Removes every document of a collection, and its position. */
  abstract clear(tenant: TenantId, collection: string): Promise<void>;
}

/**
 * The biometric vault: sealed templates and nothing else, in files or a database of their own (NHC-1: never in one place
 * with what identifies a person). Unlike a view it cannot be built again: losing it costs every enrolment.
 */
export abstract class Vault extends Documents {}
