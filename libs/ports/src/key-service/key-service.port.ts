import type { JsonWebKey, KeyObject } from 'node:crypto';
import { Fault, type TenantId } from '#lib/core';
import type { KeyEntry } from '../key-table/key-table.port.js';

/** The keys cannot be used now, or never could: nothing that needs them may go on. */
export class KeysUnavailable extends Fault {
  override readonly name = 'KeysUnavailable';
}

/** Keys cannot be handed over, or taken, as was asked: the message says why. Nothing was changed. */
export class HandOverRefused extends Fault {
  override readonly name = 'HandOverRefused';
}

/** A tenant's keys on their way to another key service: sealed to that one, and to nobody else. */
export interface HandOver {
  /** What the other one takes over. At most 10,000 bytes. */
  readonly sealed: Uint8Array;
  /** A data key for the other one, which wraps it anew, at most 500 bytes; undefined when nothing opens the entry. */
  seal(entry: KeyEntry): Promise<Uint8Array | undefined>;
  /** Proves to the other one that a digest was made by who hands over: 32 bytes. */
  tag(digest: Uint8Array): Uint8Array;
}

/** The other end: a tenant's keys as they were taken over, before they are in use. */
export interface TakeOver {
  /**
   * A data key as it was sealed for here, wrapped under the keys that the tenant has here: another wrapping each time.
   * @throws HandOverRefused when it was not sealed by this hand-over, under this id
   */
  wrap(keyId: string, sealed: Uint8Array): Promise<KeyEntry>;
  /** Whether an entry that was wrapped here holds the key that was sealed. */
  holds(entry: KeyEntry, sealed: Uint8Array): Promise<boolean>;
  /** What `tag` of who handed over answers for the same digest. */
  tag(digest: Uint8Array): Uint8Array;
}

/**
 * Root and tenant keys: wraps data keys, signs, and is able to destroy a generation of wrappings for good.
 *
 * A wrapping is made under the tenant's newest key version and its open generation key together: without either it is
 * noise (KEY-1, KEY-3). Trusted with everything; it never gives out a root, tenant, generation or signing
 * key, but that of a tenant that moves, sealed to the key service it moves to.
 * @throws KeysUnavailable from every call, when keys cannot be read or the tenant has none
 */
export abstract class KeyService {
  /**
   * Makes the keys of a tenant: key version 1, generation 1, a secret, a signing key. Nothing where it has them.
   * @throws KeysUnavailable while keys of this tenant are awaited from elsewhere
   */
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

  /**
   * Begins to await the keys of a tenant from another key service, and answers the public key (X25519, 32 bytes) that they
   * are to be sealed to: the same one until they are admitted. Until then the tenant has no keys for any other call.
   * @throws HandOverRefused when the tenant has keys here
   */
  abstract receive(tenant: TenantId): Promise<Uint8Array>;

  /**
   * Hands a tenant's secret and signing keys to whoever has the private half of `to`; changes nothing here. Keys that wrap
   * do not leave: the other one makes its own, and counts versions and generations on from the same numbers.
   * @throws HandOverRefused when `to` is no public key
   */
  abstract handOver(tenant: TenantId, to: Uint8Array): Promise<HandOver>;

  /**
   * Takes over what was handed, durable, and not in use yet. The same again goes on where it was; another hand-over
   * begins anew, and what was wrapped for the last one opens no more.
   * @throws HandOverRefused when nothing is awaited, or it was sealed to another key, for another tenant, or altered
   */
  abstract takeOver(tenant: TenantId, sealed: Uint8Array): Promise<TakeOver>;

  /**
   * From now on the tenant has the keys that were taken over, and what was sealed to the public key opens nowhere: its
   * private half is destroyed. Durable. One that stopped half-way is ended by the next; nothing where there is none.
   * @throws HandOverRefused when nothing was taken over
   */
  abstract admit(tenant: TenantId): Promise<void>;

  /** Awaits no keys any more: destroys the private half, and what was taken over. Nothing where none are awaited. */
  abstract dismiss(tenant: TenantId): Promise<void>;

  /** Whether keys can be used now: resolves, or throws KeysUnavailable saying what is wrong. */
  abstract check(): Promise<void>;
}
