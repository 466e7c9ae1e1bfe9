import { hkdfSync, type KeyObject } from 'node:crypto';
import { keyBinding } from './associated-data.js';
import { dataKeyBytes, dataKeyFrom, unwrapKey, wrapKey } from './data-key.js';

/** Format, key version, then a sealed record. */
const format = 1;
const headBytes = 5;

/** Which keys of a tenant wrap: a version of its key and a generation key, together. */
export interface WrappingPlace {
  readonly tenant: string;
  readonly version: number;
  readonly generation: number;
}

/**
 * The key that wraps at a place: of both keys together, so that without either there is none (KEY-1, KEY-3).
 * Frozen, as whatever is wrapped depends on it.
 */
export const wrappingKeyFrom = (version: KeyObject, generation: KeyObject, place: WrappingPlace): KeyObject =>
  derived([version, generation], `lethe/wrapping/v1/${place.tenant}/${place.version}/${place.generation}`);

/** Wraps the bytes of a data key, which stay the caller's, bound to its id and place. Throws as `wrapKey`. */
export function wrapAt(
  place: WrappingPlace,
  kek: KeyObject,
  keyId: string,
  keyBytes: Uint8Array,
  nonce: Uint8Array,
): Buffer {
  const record = wrapKey(kek, keyBytes, bindingOf(place, keyId), nonce);
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(format);
  head.writeUInt32BE(place.version, 1);
  return Buffer.concat([head, record]);
}

/** The key version that a wrapping says it was made under; undefined for what `wrapAt` did not make. */
export function versionOf(wrapped: Uint8Array): number | undefined {
  if (wrapped.length <= headBytes || wrapped[0] !== format) return undefined;
  return bytesOf(wrapped).readUInt32BE(1);
}

/** The key that was wrapped; undefined when it was not wrapped with this key, at this place and under this id. */
export const unwrapAt = (
  place: WrappingPlace,
  kek: KeyObject,
  keyId: string,
  wrapped: Uint8Array,
): KeyObject | undefined => unwrapKey(kek, bytesOf(wrapped).subarray(headBytes), bindingOf(place, keyId));

/** A secret for one use, named by `label`, of a tenant's: none is derivable from another. Frozen. */
export const secretFrom = (secret: KeyObject, label: string): KeyObject =>
  derived([secret], `lethe/secret/v1/${label}`);

const bindingOf = ({ tenant, version, generation }: WrappingPlace, keyId: string) =>
  keyBinding({ tenant, keyId, kekId: `${version}/${generation}` });

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);

/** HKDF-SHA256 (RFC 5869) of all these keys together. */
function derived(keys: readonly KeyObject[], info: string): KeyObject {
  const parts = keys.map((key) => key.export());
  const together = Buffer.concat(parts);
  try {
    return dataKeyFrom(new Uint8Array(hkdfSync('sha256', together, '', info, dataKeyBytes)));
  } finally {
    for (const bytes of [together, ...parts]) bytes.fill(0);
  }
}
