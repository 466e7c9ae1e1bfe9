import { createHmac, hkdfSync, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import canonicalize from 'canonicalize';
import { Fault, type SubjectId, type TenantId } from '#lib/core';
import { dataKeyBytes, dataKeyFrom, nonceBytes, open, personalBinding, seal } from '#lib/envelope';
import { DataKeys } from './data-keys.js';

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
   * A JSON value, in its canonical form (RFC 8785), as a sealed record in base64.
   * `context` names what it is, such as `consent.evidence`; it opens in no other.
   * @throws KeyErased when the subject has no key
   */
  async seal(tenant: TenantId, subjectId: SubjectId, context: string, value: unknown): Promise<string> {
    const key = await this.keys.open(tenant, keyIdOf(subjectId));
    if (!key) throw new KeyErased();
    const plaintext = Buffer.from(canonical(value));
    const mac = createHmac('sha256', derived(key, 'nonce'))
      .update(canonical([context]))
      .update(plaintext)
      .digest();
    const binding = bindingOf(tenant, subjectId, context);
    const sealed = seal(derived(key, 'encryption'), plaintext, binding, mac.subarray(0, nonceBytes));
    plaintext.fill(0);
    return sealed.toString('base64');
  }

  /**
   * What `seal` was given; undefined once the subject's key is erased.
   * @throws Error when it was not sealed for this tenant, subject and context, or was changed since
   */
  async open(tenant: TenantId, subjectId: SubjectId, context: string, sealed: string): Promise<unknown> {
    const key = await this.keys.open(tenant, keyIdOf(subjectId));
    if (!key) return undefined;
    const binding = bindingOf(tenant, subjectId, context);
    const opened = open(derived(key, 'encryption'), Buffer.from(sealed, 'base64'), binding);
    if (!opened.ok) throw new Error(`sealed personal data do not open: ${opened.reason}`);
    const value: unknown = JSON.parse(opened.plaintext.toString());
    opened.plaintext.fill(0);
    return value;
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

const bindingOf = (tenant: TenantId, subjectId: SubjectId, context: string) =>
  personalBinding({ tenant, subject: subjectId, context, keyId: keyIdOf(subjectId) });

function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('not a JSON value');
  return text;
}

/** One use, one key: each is derived from the subject's (RFC 5869). */
const derived = (key: KeyObject, use: 'encryption' | 'nonce'): KeyObject =>
  dataKeyFrom(new Uint8Array(hkdfSync('sha256', key, '', `lethe/personal/v1/${use}`, dataKeyBytes)));
