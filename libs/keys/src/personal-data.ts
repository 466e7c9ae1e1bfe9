import { createCipheriv, createDecipheriv, createHmac, hkdfSync, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import canonicalize from 'canonicalize';
import { Fault, type SubjectId, type TenantId } from '#lib/core';
import { DataKeys } from './data-keys.js';

const format = 1;
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

/** The subject has no key, or none any more: to a caller, there is no such subject. */
export class KeyErased extends Fault {
  override readonly name = 'KeyErased';
}

/**
 * What identifies a person, sealed under the subject's own key: it stands in events and goes when the key goes.
 *
 * Sealing is deterministic: a value sealed again for the same subject and context is the same text, so that a repeated
 * command compares equal without being opened. Hence a synthetic nonce, as in SIV modes (RFC 5297, RFC 8452): 96 bits
 * of HMAC-SHA256 over context and value, under a key of its own; AES-256-GCM meets a nonce twice only with the same
 * plaintext, but for a chance of 2^-48 after 2^24 values of one subject. What it gives away is which of one subject's values
 * of one context are equal. Across subjects and contexts nothing is equal, because keys and nonces are not.
 */
@Injectable()
export class PersonalData {
  constructor(private readonly keys: DataKeys) {}

  /** Makes the subject's key; nothing where there is one. */
  async create(tenant: TenantId, subjectId: SubjectId): Promise<void> {
    await this.keys.create(tenant, keyIdOf(subjectId));
  }

  /**
   * A JSON value as base64: one byte of format, the nonce, the ciphertext of its canonical form (RFC 8785), the tag.
   * `context` names what it is, such as `consent.evidence`; it opens in no other.
   * @throws KeyErased when the subject has no key
   */
  async seal(tenant: TenantId, subjectId: SubjectId, context: string, value: unknown): Promise<string> {
    const key = await this.keys.open(tenant, keyIdOf(subjectId));
    if (!key) throw new KeyErased();
    const plaintext = Buffer.from(canonical(value));
    const nonce = derived(key, 'nonce', (secret) =>
      createHmac('sha256', secret)
        .update(canonical([context]))
        .update(plaintext)
        .digest()
        .subarray(0, nonceBytes),
    );
    return derived(key, 'encryption', (secret) => {
      const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes });
      cipher.setAAD(associated(tenant, subjectId, context));
      const sealed = [Buffer.of(format), nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
      plaintext.fill(0);
      return Buffer.concat(sealed).toString('base64');
    });
  }

  /**
   * What `seal` was given; undefined once the subject's key is erased.
   * @throws Error when it was not sealed for this tenant, subject and context, or was changed since
   */
  async open(tenant: TenantId, subjectId: SubjectId, context: string, sealed: string): Promise<unknown> {
    const key = await this.keys.open(tenant, keyIdOf(subjectId));
    if (!key) return undefined;
    const bytes = Buffer.from(sealed, 'base64');
    if (bytes[0] !== format || bytes.length < 1 + nonceBytes + tagBytes) throw new Error('not sealed personal data');
    const nonce = bytes.subarray(1, 1 + nonceBytes);
    return derived(key, 'encryption', (secret) => {
      const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes });
      decipher.setAAD(associated(tenant, subjectId, context)).setAuthTag(bytes.subarray(-tagBytes));
      const plaintext = Buffer.concat([decipher.update(bytes.subarray(1 + nonceBytes, -tagBytes)), decipher.final()]);
      const value: unknown = JSON.parse(plaintext.toString());
      plaintext.fill(0);
      return value;
    });
  }

  /** Destroys the subject's key: whatever was sealed under it is noise from here on. */
  erase(tenant: TenantId, subjectId: SubjectId): Promise<void> {
    return this.keys.erase(tenant, [keyIdOf(subjectId)]);
  }

  /** Whether nothing that is left opens the subject's key. */
  isErased(tenant: TenantId, subjectId: SubjectId): Promise<boolean> {
    return this.keys.isErased(tenant, keyIdOf(subjectId));
  }
}

const keyIdOf = (subjectId: SubjectId) => `subject-${subjectId}`;

const associated = (tenant: TenantId, subjectId: SubjectId, context: string) =>
  Buffer.from(canonical(['lethe/personal-data', format, tenant, subjectId, context]));

function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('not a JSON value');
  return text;
}

/** Lends `work` a key for one use, derived from the subject's (RFC 5869), and zeroes it. */
function derived<T>(key: KeyObject, use: 'encryption' | 'nonce', work: (secret: Uint8Array) => T): T {
  const secret = new Uint8Array(hkdfSync('sha256', key, '', `lethe/personal-data/${use}`, keyBytes));
  try {
    return work(secret);
  } finally {
    secret.fill(0);
  }
}
