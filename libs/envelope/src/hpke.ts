import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';
import type { AssociatedData } from './associated-data.js';
import { dataKeyBytes, dataKeyFrom } from './data-key.js';

/** The length of an X25519 key, private or public. */
export const transferKeyBytes = 32;

const tagBytes = 16;
const nonceBytes = 12;
const none = Buffer.of();
const version = Buffer.from('HPKE-v1');
/** DHKEM(X25519, HKDF-SHA256), as the KEM derives for itself. */
const kemSuite = Buffer.concat([Buffer.from('KEM'), Buffer.of(0x00, 0x20)]);
/** DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
const suite = Buffer.concat([Buffer.from('HPKE'), Buffer.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x02)]);
/** What an X25519 private key is before its 32 bytes in PKCS #8, and a public one in SPKI (RFC 8410). */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const spki = Buffer.from('302a300506032b656e032100', 'hex');

/** What both sides know once a message is sealed or opened, and nobody else: a key for each use (RFC 9180, 5.3). */
export type Derive = (use: string) => KeyObject;

export interface SealedMessage {
  /** The ephemeral public key, then the ciphertext and its tag: 48 bytes more than the plaintext. */
  readonly sealed: Buffer;
  readonly derive: Derive;
}

export type OpenedMessage =
  | { readonly ok: true; readonly plaintext: Buffer; readonly derive: Derive }
  | { readonly ok: false };

/** The public half of a transfer key. @throws RangeError when there are not 32 bytes */
export const transferPublicKey = (secret: Uint8Array): Buffer => rawOf(createPublicKey(privateFrom(secret)));

/**
 * Seals one message to a public key: HPKE in base mode, one shot, no associated data (RFC 9180, 6.1). Who has the private
 * half opens it; who sent it is not proven.
 * `ephemeral`, 32 bytes of chance, is used for this message alone and zeroed. The plaintext is the caller's to zero.
 * @throws RangeError when `to` is no public key: 32 bytes that are a point on the curve, and not one of its few weak ones
 */
export function sealTo(
  to: Uint8Array,
  plaintext: Uint8Array,
  info: AssociatedData,
  ephemeral: Uint8Array,
): SealedMessage {
  const own = privateFrom(ephemeral);
  ephemeral.fill(0);
  const enc = rawOf(createPublicKey(own));
  const shared = sharedSecret(own, to, Buffer.concat([enc, to]));
  if (!shared) throw new RangeError('this is no X25519 public key');
  const { key, nonce, derive } = schedule(shared, info);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return { sealed: Buffer.concat([enc, ciphertext, cipher.getAuthTag()]), derive };
}

/** Opens what was sealed to the public half of `secret`. Nothing of a message that was altered is ever shown. */
export function openFrom(secret: Uint8Array, sealed: Uint8Array, info: AssociatedData): OpenedMessage {
  if (sealed.length < transferKeyBytes + tagBytes) return { ok: false };
  const own = privateFrom(secret);
  const enc = sealed.subarray(0, transferKeyBytes);
  const shared = sharedSecret(own, enc, Buffer.concat([enc, rawOf(createPublicKey(own))]));
  if (!shared) return { ok: false };
  const { key, nonce, derive } = schedule(shared, info);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const plaintext = decipher.update(sealed.subarray(transferKeyBytes, -tagBytes));
  try {
    decipher.final();
    return { ok: true, plaintext, derive };
  } catch {
    plaintext.fill(0);
    return { ok: false };
  }
}

function privateFrom(secret: Uint8Array): KeyObject {
  if (secret.length !== transferKeyBytes) throw new RangeError(`a transfer key is ${transferKeyBytes} bytes`);
  const der = Buffer.concat([pkcs8, secret]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
}

const rawOf = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' }).subarray(-transferKeyBytes);

/** ExtractAndExpand of DHKEM (RFC 9180, 4.1); undefined for bytes that no key pair has as its public half. */
function sharedSecret(own: KeyObject, other: Uint8Array, context: Uint8Array): Buffer | undefined {
  if (other.length !== transferKeyBytes) return undefined;
  let agreed: Buffer;
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([spki, other]), format: 'der', type: 'spki' });
    agreed = diffieHellman({ privateKey: own, publicKey });
  } catch {
    // A point of small order: all secrets agreed with it would be the same.
    return undefined;
  }
  const extracted = extract(kemSuite, none, 'eae_prk', agreed);
  const shared = expand(kemSuite, extracted, 'shared_secret', context, 32);
  for (const bytes of [agreed, extracted]) bytes.fill(0);
  return shared;
}

/** The key schedule in base mode (RFC 9180, 5.1). Zeroes the shared secret. */
function schedule(shared: Buffer, info: Uint8Array) {
  const context = Buffer.concat([
    Buffer.of(0),
    extract(suite, none, 'psk_id_hash', none),
    extract(suite, none, 'info_hash', info),
  ]);
  const secret = extract(suite, shared, 'secret', none);
  const key = dataKeyFrom(expand(suite, secret, 'key', context, dataKeyBytes));
  const nonce = expand(suite, secret, 'base_nonce', context, nonceBytes);
  const exporter = dataKeyFrom(expand(suite, secret, 'exp', context, 32));
  for (const bytes of [shared, secret]) bytes.fill(0);
  const derive: Derive = (use) => dataKeyFrom(expand(suite, exporter, 'sec', Buffer.from(use), dataKeyBytes));
  return { key, nonce, derive };
}

/** LabeledExtract (RFC 9180, 4). */
function extract(of: Uint8Array, salt: Uint8Array, label: string, material: Uint8Array): Buffer {
  return createHmac('sha256', createSecretKey(salt)).update(version).update(of).update(label).update(material).digest();
}

/** LabeledExpand (RFC 9180, 4) to 32 bytes at most, which is one round of HKDF-Expand. */
function expand(of: Uint8Array, key: Uint8Array | KeyObject, label: string, info: Uint8Array, length: number): Buffer {
  const prk = 'export' in key ? key : createSecretKey(key);
  const round = createHmac('sha256', prk)
    .update(Buffer.of(0, length))
    .update(version)
    .update(of)
    .update(label)
    .update(info)
    .update(Buffer.of(1))
    .digest();
  return round.subarray(0, length);
}
