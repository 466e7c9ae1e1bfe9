import { createSecretKey, randomBytes } from 'node:crypto';
import { keyBinding } from './associated-data.js';
import { dataKeyFrom, unwrapKey, wrapKey } from './data-key.js';
import { seal } from './sealed-record.js';

const kek = createSecretKey(randomBytes(32));
const nonce = new Uint8Array(12).fill(9);
const aad = keyBinding({ tenant: 'here', keyId: 'key-1', kekId: 'kek-1' });
const elsewhere = keyBinding({ tenant: 'there', keyId: 'key-1', kekId: 'kek-1' });

describe('a data key', () => {
  it('takes its bytes over: none are left', () => {
    const bytes = randomBytes(32);
    const copy = Buffer.from(bytes);
    expect(dataKeyFrom(bytes).export()).toEqual(copy);
    expect(bytes).toEqual(Buffer.alloc(32));
  });

  it.each([0, 16, 31, 33, 64])('is not %i bytes; these are zeroed all the same', (length) => {
    const bytes = Buffer.alloc(length, 0xee);
    expect(() => dataKeyFrom(bytes)).toThrow('a data key is 32 bytes');
    expect(bytes).toEqual(Buffer.alloc(length));
    expect(() => wrapKey(kek, bytes, aad, nonce)).toThrow('a data key is 32 bytes');
  });

  it('is unwrapped as it was wrapped, the bytes staying with whoever wrapped it', () => {
    const bytes = randomBytes(32);
    const wrapped = wrapKey(kek, bytes, aad, nonce);
    expect(unwrapKey(kek, wrapped, aad)?.export()).toEqual(bytes);
  });

  it('is not unwrapped elsewhere, by another key, when altered, or when it is no key', () => {
    const wrapped = wrapKey(kek, randomBytes(32), aad, nonce);
    expect(unwrapKey(kek, wrapped, elsewhere)).toBeUndefined();
    expect(unwrapKey(createSecretKey(randomBytes(32)), wrapped, aad)).toBeUndefined();
    expect(unwrapKey(kek, wrapped.subarray(1), aad)).toBeUndefined();
    expect(unwrapKey(kek, seal(kek, randomBytes(31), aad, nonce), aad)).toBeUndefined();
  });
});
