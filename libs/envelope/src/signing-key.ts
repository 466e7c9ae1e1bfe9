import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** What an Ed25519 private key is before its 32 bytes, in PKCS #8 (RFC 8410). */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An Ed25519 key (RFC 8032), and what others check with. */
export interface SigningKey {
  readonly key: KeyObject;
  /** The public key as RFC 8037 writes it, named by its thumbprint (RFC 7638). */
  readonly jwk: {
    readonly kty: string;
    readonly crv: string;
    readonly x: string;
    readonly kid: string;
    readonly alg: 'EdDSA';
    readonly use: 'sig';
  };
}

/** From its 32 bytes, which are zeroed. */
export function signingKeyFrom(seed: Buffer): SigningKey {
  const der = Buffer.concat([pkcs8, seed]);
  seed.fill(0);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  const { kty = '', crv = '', x = '' } = createPublicKey(key).export({ format: 'jwk' });
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
  return { key, jwk: { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' } };
}

/** Its 32 bytes, to be stored sealed: the caller's to zero. */
export const seedOf = ({ key }: SigningKey): Buffer =>
  key.export({ format: 'der', type: 'pkcs8' }).subarray(pkcs8.length);
