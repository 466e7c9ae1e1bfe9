import { sign } from 'node:crypto';
import { seedOf, signingKeyFrom } from './signing-key.js';

// RFC 8032, 7.1, test 1; its public key is that of RFC 8037, appendix A, with the thumbprint of A.3.
const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

describe('a signing key', () => {
  it('is that of its seed, named by its thumbprint', () => {
    const { key, jwk } = signingKeyFrom(Buffer.from(seed));
    expect(Buffer.from(jwk.x, 'base64url').toString('hex')).toBe(publicKey);
    expect(jwk.kid).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
    expect(sign(null, Buffer.of(), key).toString('hex')).toMatch(/^e5564300c360ac729086e2cc806e828a/);
  });

  it('takes the seed over, and gives it back to be sealed', () => {
    const taken = Buffer.from(seed);
    const key = signingKeyFrom(taken);
    expect(taken).toEqual(Buffer.alloc(32));
    expect(seedOf(key)).toEqual(seed);
  });
});
