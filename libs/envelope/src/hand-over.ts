import { createHmac, type KeyObject } from 'node:crypto';
import { handOverBinding, keyBinding } from './associated-data.js';
import { dataKeyBytes, dataKeyFrom, unwrapKey, wrapKey } from './data-key.js';
import { type Derive, openFrom, sealTo } from './hpke.js';
import { type SigningKey, seedOf, signingKeyFrom } from './signing-key.js';

/** What a key service hands to another one of a tenant: never the keys that wrap, which each makes for itself. */
export interface HandedKeys {
  /** The numbers of the newest version of the tenant's key and of the open generation, from which the other counts on. */
  readonly version: number;
  readonly generation: number;
  /** What the tenant's secrets are derived from. */
  readonly secret: KeyObject;
  readonly signing: SigningKey;
}

/** What stands between two key services while a tenant moves: known to both, kept by neither. */
export interface Transfer {
  /** A data key for the other side, bound to tenant and key id. The nonce is used once. */
  seal(keyId: string, key: KeyObject, nonce: Uint8Array): Buffer;
  /** The data key that was sealed; undefined when it was not sealed by this hand-over under this id. */
  open(keyId: string, sealed: Uint8Array): KeyObject | undefined;
  /** Proves to the other side that a digest is of whoever handed over: HMAC-SHA256, 32 bytes. */
  tag(digest: Uint8Array): Buffer;
}

export type TakenKeys =
  | { readonly ok: true; readonly keys: HandedKeys; readonly transfer: Transfer }
  | { readonly ok: false };

const format = 1;
/** Format, version, generation; the secret and the seed of the signing key follow. */
const headBytes = 1 + 4 + 4;
const seedBytes = 32;
const plaintextBytes = headBytes + dataKeyBytes + seedBytes;

/**
 * Seals a tenant's keys to the public half of a transfer key (`transferPublicKey`). `ephemeral`: as with `sealTo`.
 * @throws RangeError when `to` is no public key
 */
export function sealHandOver(tenant: string, keys: HandedKeys, to: Uint8Array, ephemeral: Uint8Array) {
  const plaintext = encode(keys);
  try {
    const { sealed, derive } = sealTo(to, plaintext, handOverBinding({ tenant }), ephemeral);
    return { sealed, transfer: transferOf(tenant, derive) };
  } finally {
    plaintext.fill(0);
  }
}

/** Opens it with the private half; not ok when it was sealed to another key, for another tenant, or altered. */
export function openHandOver(tenant: string, secret: Uint8Array, sealed: Uint8Array): TakenKeys {
  const opened = openFrom(secret, sealed, handOverBinding({ tenant }));
  if (!opened.ok) return opened;
  try {
    const keys = decode(opened.plaintext);
    return keys ? { ok: true, keys, transfer: transferOf(tenant, opened.derive) } : { ok: false };
  } finally {
    opened.plaintext.fill(0);
  }
}

function transferOf(tenant: string, derive: Derive): Transfer {
  const [wrapping, tagging] = [derive('lethe/hand-over/v1/data-keys'), derive('lethe/hand-over/v1/tag')];
  const binding = (keyId: string) => keyBinding({ tenant, keyId, kekId: 'hand-over' });
  return {
    seal(keyId, key, nonce) {
      const bytes = key.export();
      try {
        return wrapKey(wrapping, bytes, binding(keyId), nonce);
      } finally {
        bytes.fill(0);
      }
    },
    open: (keyId, sealed) => unwrapKey(wrapping, sealed, binding(keyId)),
    tag: (digest) => createHmac('sha256', tagging).update(digest).digest(),
  };
}

function encode({ version, generation, secret, signing }: HandedKeys): Buffer {
  const encoded = Buffer.alloc(plaintextBytes);
  let at = encoded.writeUInt8(format);
  at = encoded.writeUInt32BE(version, at);
  at = encoded.writeUInt32BE(generation, at);
  for (const key of [secret.export(), seedOf(signing)]) {
    at += key.copy(encoded, at);
    key.fill(0);
  }
  return encoded;
}

/** Undefined when a release to come made it. */
function decode(encoded: Buffer): HandedKeys | undefined {
  if (encoded.length !== plaintextBytes || encoded.readUInt8() !== format) return undefined;
  return {
    version: encoded.readUInt32BE(1),
    generation: encoded.readUInt32BE(5),
    secret: dataKeyFrom(encoded.subarray(headBytes, headBytes + dataKeyBytes)),
    signing: signingKeyFrom(encoded.subarray(headBytes + dataKeyBytes)),
  };
}
