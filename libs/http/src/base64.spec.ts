import fc from 'fast-check';
import { decodeBase64 } from './base64.js';

const decode = (text: string) => {
  const bytes = new TextEncoder().encode(`"${text}"`);
  return decodeBase64(bytes, 1, bytes.length - 1);
};

describe('base64', () => {
  it('says the bytes it was made of, and says them aligned', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoded = decode(Buffer.from(bytes).toString('base64'));
        expect([...(decoded ?? [])]).toEqual([...bytes]);
        expect(decoded?.byteOffset).toBe(0);
      }),
    );
  });

  it.each([
    ['not padded', 'QQ'],
    ['padded too much', 'QUI=='],
    ['nothing but padding', '===='],
    ['padded three times', 'Q==='],
    ['padded inside', 'QQ==QUJD'],
    ['followed by bits that are left over', 'QR=='],
    ['followed by two bits that are left over', 'QUJ='],
    ['broken into lines', 'QUJD\nQUJD'],
    ['spaced', ' QUJDQUJD  '.trimEnd()],
    ['in the alphabet for URLs', 'QUJ_'],
    ['not ASCII', 'QUJDé='],
    ['escaped', 'QUJ\\/'],
  ])('is none when it is %s', (_, text) => {
    expect(decode(text)).toBeUndefined();
  });
});
