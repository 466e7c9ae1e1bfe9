import type { JsonWebKey, KeyObject } from 'node:crypto';
import { Fault, type TenantId } from '#lib/core';
import type { KeyEntry } from '../key-table/key-table.port.js';

/** The keys cannot be used now, or never could: nothing that needs them may go on. */
export class KeysUnavailable extends Fault {
  override readonly name = 'KeysUnavailable';
}

/**
 * Root and tenant keys: wraps data keys, signs, and is able to destroy a generation of wrappings for good.
 *
 * A wrapping is made under the tenant's newest key version and its open generation key together: without either it is
 * noise (KEY-1, KEY-3). Trusted with everything; it never gives out a root, tenant, generation or signing key.
 * @throws KeysUnavailable from every call, when keys cannot be read or the tenant has none
 */
export abstract class KeyService {
  /** Makes the keys of a tenant: key version 1, generation 1, a secret, a signing key. Nothing where it has them. */
  abstract provision(tenant: TenantId): Promise<void>;

  /** Wraps the 32 bytes of a data key, bound to tenant and key id. The bytes are the caller's to zero. */
  abstract wrap(tenant: TenantId, keyId: string, key: Uint8Array): Promise<KeyEntry>;

  /**
   * Opens a wrapping, whatever its key version.
   * Undefined when no key that is left opens it: its generation was destroyed, or it is not what was wrapped.
   */
  abstract unwrap(tenant: TenantId, entry: KeyEntry): Promise<KeyObject | undefined>;

  /** The same data key wrapped under the newest key version and the open generation; undefined as with `unwrap`. */
  abstract rewrap(tenant: TenantId, entry: KeyEntry): Promise<KeyEntry | undefined>;

  /** The generations that still have a key, ascending. The last one is open: new wrappings are made under it. */
  abstract generations(tenant: TenantId): Promise<readonly number[]>;

  /** Opens the next generation and answers its number. Durable. */
  abstract openGeneration(tenant: TenantId): Promise<number>;

  /** Destroys the keys of all generations below `generation`, where destruction is real. Durable, for ever. */
  abstract destroyGenerations(tenant: TenantId, below: number): Promise<void>;

  /** Begins a new version of the tenant's key and answers its number. Older wrappings still open. Durable. */
  abstract rotate(tenant: TenantId): Promise<number>;

  /** A secret of the tenant for one use, named by `label`: always the same one, derivable from no other. For HMAC. */
  abstract secret(tenant: TenantId, label: string): Promise<KeyObject>;

  /** Signs with the tenant's Ed25519 key (RFC 8032). */
  abstract sign(tenant: TenantId, bytes: Uint8Array): Promise<{ readonly kid: string; readonly signature: Uint8Array }>;

  /** The public keys that check what `sign` made, with `kid`, `alg` and `use` (RFC 7517, RFC 8037). */
  abstract publicKeys(tenant: TenantId): Promise<readonly (JsonWebKey & { readonly kid: string })[]>;

  /** Whether keys can be used now: resolves, or throws KeysUnavailable saying what is wrong. */
  abstract check(): Promise<void>;
}
