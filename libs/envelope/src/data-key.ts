import { createSecretKey, type KeyObject } from 'node:crypto';
import type { AssociatedData } from './associated-data.js';
import { open, seal } from './sealed-record.js';

/** The length of every key here: AES-256. */
export const dataKeyBytes = 32;

/**
 * Takes 32 bytes over as a key and zeroes them, also when it throws: from then on the key has no second copy to forget.
 * Cache the KeyObject, not the bytes: opening with raw bytes sets the key up again each time.
 * @throws RangeError when there are not 32 bytes: a bug of the caller
 */
export function dataKeyFrom(bytes: Uint8Array): KeyObject {
  try {
    assertLength(bytes);
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

/**
 * Wraps the bytes of a data key under a key-encryption key (`keyBinding`); one such key wraps under 2^32 of them.
 * The bytes stay the caller's: hand them to `dataKeyFrom` next, or zero them.
 * @throws RangeError when there are not 32 bytes, and as `seal`
 */
export function wrapKey(kek: KeyObject, keyBytes: Uint8Array, aad: AssociatedData, nonce: Uint8Array): Buffer {
  assertLength(keyBytes);
  return seal(kek, keyBytes, aad, nonce);
}

/** The key that was wrapped; undefined when `kek` does not open it under this binding, or no key is in it. */
export function unwrapKey(kek: KeyObject, wrapped: Uint8Array, aad: AssociatedData): KeyObject | undefined {
  const opened = open(kek, wrapped, aad);
  if (!opened.ok) return undefined;
  if (opened.plaintext.length === dataKeyBytes) return dataKeyFrom(opened.plaintext);
  opened.plaintext.fill(0);
  return undefined;
}

function assertLength({ length }: Uint8Array): void {
  if (length !== dataKeyBytes) throw new RangeError(`a data key is ${dataKeyBytes} bytes`);
}
