import type { KeyObject } from 'node:crypto';
import type { TenantId } from '#lib/core';
import {
  type HandedKeys,
  nonceBytes,
  sealHandOver,
  type Transfer,
  transferKeyBytes,
  unwrapAt,
  versionOf,
  type WrappingPlace,
  wrapAt,
  wrappingKeyFrom,
} from '#lib/envelope';
import { type HandOver, HandOverRefused, type KeyEntry, type Random, type TakeOver } from '#lib/ports';

/** The handing end, the same for every family: `unwrap` is that of its key service. */
export function handOverTo(
  to: Uint8Array,
  tenant: TenantId,
  keys: HandedKeys,
  unwrap: (entry: KeyEntry) => Promise<KeyObject | undefined>,
  random: Random,
): HandOver {
  const { sealed, transfer } = sealedTo(to, tenant, keys, random);
  return {
    sealed,
    async seal(entry) {
      const key = await unwrap(entry);
      return key && transfer.seal(entry.keyId, key, random.bytes(nonceBytes));
    },
    tag: (digest) => transfer.tag(digest),
  };
}

/** The taking end: wraps under the newest keys that the family made for the tenant, which are not in use yet. */
export function takeOverAt(
  place: WrappingPlace & { readonly versionKey: KeyObject; readonly generationKey: KeyObject },
  transfer: Transfer,
  random: Random,
): TakeOver {
  const kek = wrappingKeyFrom(place.versionKey, place.generationKey, place);
  const { generation } = place;
  return {
    async wrap(keyId, sealed) {
      const key = transfer.open(keyId, sealed);
      if (!key) throw new HandOverRefused(`the key ${keyId} is not what was sealed by this hand-over`);
      const bytes = key.export();
      try {
        return { keyId, generation, wrapped: wrapAt(place, kek, keyId, bytes, random.bytes(nonceBytes)) };
      } finally {
        bytes.fill(0);
      }
    },
    async holds(entry, sealed) {
      const key = transfer.open(entry.keyId, sealed);
      if (!key || entry.generation !== generation || versionOf(entry.wrapped) !== place.version) return false;
      return unwrapAt(place, kek, entry.keyId, entry.wrapped)?.equals(key) ?? false;
    },
    tag: (digest) => transfer.tag(digest),
  };
}

function sealedTo(to: Uint8Array, tenant: TenantId, keys: HandedKeys, random: Random) {
  try {
    return sealHandOver(tenant, keys, to, random.bytes(transferKeyBytes));
  } catch (error) {
    throw new HandOverRefused('what the keys are to be sealed to is no public key', { cause: error });
  }
}
