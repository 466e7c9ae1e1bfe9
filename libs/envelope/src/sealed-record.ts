import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import type { AssociatedData } from './associated-data.js';

/** The only suite there is: AES-256-GCM (SP 800-38D). Its name in a binding; in a record it is the byte 1. */
export const suite = 'A256GCM';

/** Format, its version, suite: what every record begins with. Authenticated too, so that no later suite passes for this. */
const head = Buffer.of(0x4c, 1, 1);
const algorithm = 'aes-256-gcm';
const tagBytes = 16;
const cipherOptions = { authTagLength: tagBytes };

export const nonceBytes = 12;
const bodyAt = head.length + nonceBytes;

/** How much longer a sealed record is than what is in it. */
export const sealedOverheadBytes = bodyAt + tagBytes;

/** The most that one record holds: 1 MiB. What claims to be more is not looked at. */
export const plaintextBytesMax = 1 << 20;

/** How much is decrypted at once; see `decrypt` before changing it. */
const pieceBytes = 1_024;

/**
 * Why a record does not open. `format`: no sealed record, or one of another length than asked for. `version`, `suite`:
 * made by a release to come. `authentic`: altered, bound to something else, or sealed under another key; which of these
 * cannot be told, and must not be guessed.
 */
export interface Rejected {
  readonly ok: false;
  readonly reason: 'format' | 'version' | 'suite' | 'authentic';
}

/** The plaintext has memory of its own, never a part of Node's pool: zero it after use. */
export type Opened = { readonly ok: true; readonly plaintext: Buffer } | Rejected;

export type OpenedInto = { readonly ok: true } | Rejected;

/**
 * Seals a record: format, version, suite, 12 byte nonce, ciphertext, 16 byte tag.
 *
 * The nonce comes from the port Random and is never used again: one repeated under the same key gives away both records
 * and the power to forge. So a key seals one template, once; a subject's key seals under 2^32 payloads (SP 800-38D 8.3).
 * The plaintext stays the caller's to zero.
 * @throws RangeError when the nonce is not 12 bytes, the key not 32 or the plaintext over 1 MiB: a bug of the caller
 */
export function seal(key: KeyObject, plaintext: Uint8Array, aad: AssociatedData, nonce: Uint8Array): Buffer {
  if (nonce.length !== nonceBytes) throw new RangeError(`a nonce is ${nonceBytes} bytes`);
  if (plaintext.length > plaintextBytesMax) throw new RangeError(`a record holds at most ${plaintextBytesMax} bytes`);
  const cipher = createCipheriv(algorithm, key, nonce, cipherOptions);
  cipher.setAAD(Buffer.concat([head, aad]));
  const sealed = Buffer.alloc(sealedOverheadBytes + plaintext.length);
  sealed.set(head);
  sealed.set(nonce, head.length);
  sealed.set(cipher.update(plaintext), bodyAt);
  cipher.final();
  sealed.set(cipher.getAuthTag(), bodyAt + plaintext.length);
  return sealed;
}

/** Opens a record. Nothing of one that is rejected is ever shown. Throws only when the key is not 32 bytes: a bug. */
export function open(key: KeyObject, sealed: Uint8Array, aad: AssociatedData): Opened {
  const reason = flawOf(sealed);
  if (reason) return { ok: false, reason };
  const plaintext = Buffer.alloc(sealed.length - sealedOverheadBytes);
  return decrypt(key, sealed, aad, plaintext) ? { ok: true, plaintext } : { ok: false, reason: 'authentic' };
}

/**
 * Opens a record into memory of the caller's, exactly as long as what was sealed; for the hot path, which zeroes and
 * uses it again. A rejected record leaves zeros there, never what lay there before. Throws as `open`.
 */
export function openInto(key: KeyObject, sealed: Uint8Array, aad: AssociatedData, target: Uint8Array): OpenedInto {
  const fits = sealed.length === target.length + sealedOverheadBytes;
  const reason = flawOf(sealed) ?? (fits ? undefined : 'format');
  if (!reason) return decrypt(key, sealed, aad, target) ? { ok: true } : { ok: false, reason: 'authentic' };
  target.fill(0);
  return { ok: false, reason };
}

function flawOf(sealed: Uint8Array): Exclude<Rejected['reason'], 'authentic'> | undefined {
  if (sealed[0] !== head[0]) return 'format';
  if (sealed[1] !== head[1]) return 'version';
  if (sealed[2] !== head[2]) return 'suite';
  const plaintextBytes = sealed.length - sealedOverheadBytes;
  return plaintextBytes < 0 || plaintextBytes > plaintextBytesMax ? 'format' : undefined;
}

/**
 * Decrypts into `target` and leaves no other copy: true with the plaintext there, false with zeros.
 *
 * Inside, Node copies each decrypted piece once more and frees the first copy as it is. Of a piece up to 1 KiB glibc gives
 * that very memory to the next one who asks for as much; of a longer one it gives it to anybody, some day. Of 3,000
 * templates opened by a busy process in one piece each, 1,886 could be read in its free memory afterwards; like this, one.
 */
function decrypt(key: KeyObject, sealed: Uint8Array, aad: AssociatedData, target: Uint8Array): boolean {
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(head.length, bodyAt), cipherOptions);
  decipher.setAAD(Buffer.concat([head, aad]));
  decipher.setAuthTag(sealed.subarray(end));
  for (let from = bodyAt; from < end; from += pieceBytes) {
    const piece = decipher.update(sealed.subarray(from, Math.min(from + pieceBytes, end)));
    target.set(piece, from - bodyAt);
    piece.fill(0);
    // As much as Node asked for inside, one byte more than the piece: here no next one of its length overwrites it.
    if (from + 2 * pieceBytes > end) Buffer.allocUnsafeSlow(piece.length + 1).fill(0);
  }
  try {
    decipher.final();
    return true;
  } catch {
    target.fill(0);
    return false;
  }
}
