import type { JsonWebKey } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import { KeyService, KeysUnavailable } from '#lib/ports';

const attemptsMax = 3;
const payloadMaxBytes = 256 * 1024;

/** Signs what a tenant hands out, such as receipts, so that anyone can check it against the tenant's public keys. */
@Injectable()
export class Signatures {
  constructor(private readonly keys: KeyService) {}

  /**
   * A compact JWS (RFC 7515) by the tenant's Ed25519 key (RFC 8037); `typ` says what it is, such as `lethe-receipt+jwt`.
   * The same payload is signed to the same text while the key stays.
   * @throws KeysUnavailable when the tenant's keys cannot be used
   */
  async jws(tenant: TenantId, payload: object, typ: string): Promise<string> {
    const body = encoded(payload);
    if (body.length > payloadMaxBytes) throw new Error('too long to be signed');
    // The header names the key and is signed itself, so the key is guessed first: the newest one, or the one that signed.
    let kid = (await this.jwks(tenant)).keys.at(-1)?.kid ?? '';
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const signed = `${encoded({ alg: 'EdDSA', kid, typ })}.${body}`;
      const made = await this.keys.sign(tenant, Buffer.from(signed));
      if (made.kid === kid) return `${signed}.${Buffer.from(made.signature).toString('base64url')}`;
      kid = made.kid;
    }
    throw new KeysUnavailable(`the signing key of ${tenant} changed with every signature`);
  }

  /** The public keys that check these signatures, also those made by older keys (RFC 7517). */
  async jwks(tenant: TenantId): Promise<{ readonly keys: readonly (JsonWebKey & { readonly kid: string })[] }> {
    return { keys: await this.keys.publicKeys(tenant) };
  }
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
