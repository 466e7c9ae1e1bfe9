import { createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { personalBinding } from './associated-data.js';
import { open, openInto, plaintextBytesMax, seal, sealedOverheadBytes } from './sealed-record.js';

const key = createSecretKey(randomBytes(32));
const aad = personalBinding({ tenant: 'here', subject: 'someone', context: 'spec', keyId: 'key-1' });
const nonce = new Uint8Array(12).fill(7);
const plaintexts = fc.uint8Array({ maxLength: 3_000 });

describe('a sealed record', () => {
  it('opens to what was sealed, whatever it is', () => {
    fc.assert(
      fc.property(plaintexts, fc.uint8Array({ minLength: 12, maxLength: 12 }), (plaintext, anyNonce) => {
        const sealed = seal(key, plaintext, aad, anyNonce);
        expect(sealed).toHaveLength(plaintext.length + sealedOverheadBytes);
        expect(open(key, sealed, aad)).toEqual({ ok: true, plaintext: Buffer.from(plaintext) });
        const target = new Uint8Array(plaintext.length);
        expect(openInto(key, sealed, aad, target)).toEqual({ ok: true });
        expect(target).toEqual(plaintext);
      }),
    );
  });

  it('opens with no bit changed, any of them', () => {
    const sealed = seal(key, randomBytes(40), aad, nonce);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(open(key, changed, aad)).toMatchObject({ ok: false });
    }
    expect.assertions(sealed.length * 8);
  });

  it('of any length opens with no bit changed, nor cut short', () => {
    fc.assert(
      fc.property(plaintexts, fc.nat(), fc.nat(7), (plaintext, anywhere, bit) => {
        const sealed = seal(key, plaintext, aad, nonce);
        const at = anywhere % sealed.length;
        expect(open(key, sealed.subarray(0, at), aad)).toMatchObject({ ok: false });
        sealed.writeUInt8(sealed.readUInt8(at) ^ (1 << bit), at);
        expect(open(key, sealed, aad)).toMatchObject({ ok: false });
      }),
    );
  });

  it('is opened wherever it lies in a larger buffer, and is left as it was', () => {
    const sealed = seal(key, Buffer.from('within'), aad, nonce);
    const around = new Uint8Array(sealed.length + 9);
    around.set(sealed, 5);
    expect(open(key, around.subarray(5, 5 + sealed.length), aad)).toMatchObject({ plaintext: Buffer.from('within') });
    expect(around.subarray(5, 5 + sealed.length)).toEqual(new Uint8Array(sealed));
  });

  it('opens into memory that is nobody else’s, so that zeroing it zeroes all there is', () => {
    const opened = open(key, seal(key, Buffer.from('short'), aad, nonce), aad);
    expect(opened.ok && opened.plaintext.buffer.byteLength).toBe(5);
  });

  it.each([4, 6])('does not open into %i bytes when 5 were sealed, and leaves zeros there', (length) => {
    const target = Buffer.alloc(length, 0xee);
    const sealed = seal(key, Buffer.from('short'), aad, nonce);
    expect(openInto(key, sealed, aad, target)).toEqual({ ok: false, reason: 'format' });
    expect(target).toEqual(Buffer.alloc(length));
  });

  it('holds 1 MiB and not a byte more', () => {
    const full = seal(key, new Uint8Array(plaintextBytesMax), aad, nonce);
    expect(open(key, full, aad)).toMatchObject({ ok: true });
    expect(() => seal(key, new Uint8Array(plaintextBytesMax + 1), aad, nonce)).toThrow('at most 1048576 bytes');
    expect(open(key, Buffer.concat([full, Buffer.alloc(1)]), aad)).toEqual({ ok: false, reason: 'format' });
  });

  it.each([0, 11, 13, 16])('is not made with a nonce of %i bytes', (length) => {
    expect(() => seal(key, new Uint8Array(1), aad, new Uint8Array(length))).toThrow('a nonce is 12 bytes');
  });

  it('is not made or opened with a key of another length: loud, as it is a bug', () => {
    const short = createSecretKey(randomBytes(16));
    const sealed = seal(key, new Uint8Array(1), aad, nonce);
    expect(() => seal(short, new Uint8Array(1), aad, nonce)).toThrow('Invalid key length');
    expect(() => open(short, sealed, aad)).toThrow('Invalid key length');
  });
});
