import { hkdfSync } from 'node:crypto';
import { dataKeyBytes, dataKeyFrom } from './data-key.js';
import { nonceBytes } from './sealed-record.js';
import { secretFrom, unwrapAt, versionOf, wrapAt, wrappingKeyFrom } from './wrapping.js';

const filled = (byte: number) => new Uint8Array(dataKeyBytes).fill(byte);
const place = { tenant: 'here', version: 3, generation: 7 };
const nonce = new Uint8Array(nonceBytes).fill(5);
const kek = wrappingKeyFrom(dataKeyFrom(filled(1)), dataKeyFrom(filled(2)), place);

describe('a wrapping', () => {
  it('is made under version and generation together, as it always was', () => {
    const both = Buffer.concat([filled(1), filled(2)]);
    const expected = Buffer.from(hkdfSync('sha256', both, '', 'lethe/wrapping/v1/here/3/7', 32));
    expect(kek.export()).toEqual(expected);
    // Frozen: made from the written format, by other code.
    expect(wrapAt(place, kek, 'key', filled(9), nonce).toString('hex')).toBe(
      '01000000034c0101050505050505050505050505a14fdb2373ff5461c1f5b582ef690f58cfb5f07e9a646b9f3eb35c54034e437367ed5127bcdf45a79dc13a7de2ad280a',
    );
  });

  it('opens at its place and under its id only', () => {
    const wrapped = wrapAt(place, kek, 'key', filled(9), nonce);
    expect(versionOf(wrapped)).toBe(3);
    expect(unwrapAt(place, kek, 'key', wrapped)?.export()).toEqual(Buffer.from(filled(9)));
    expect(unwrapAt(place, kek, 'kez', wrapped)).toBeUndefined();
    expect(unwrapAt({ ...place, generation: 8 }, kek, 'key', wrapped)).toBeUndefined();
    expect(unwrapAt({ ...place, tenant: 'there' }, kek, 'key', wrapped)).toBeUndefined();
    expect(unwrapAt(place, dataKeyFrom(filled(1)), 'key', wrapped)).toBeUndefined();
  });

  it('says no version where it is none', () => {
    const wrapped = wrapAt(place, kek, 'key', filled(9), nonce);
    expect([wrapped.subarray(0, 5), wrapped.subarray(1), Buffer.of()].map(versionOf)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('a secret', () => {
  it('is of its label', () => {
    const expected = Buffer.from(hkdfSync('sha256', filled(4), '', 'lethe/secret/v1/references', 32));
    expect(secretFrom(dataKeyFrom(filled(4)), 'references').export()).toEqual(expected);
  });
});
