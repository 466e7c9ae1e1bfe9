import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { fingerprintOf } from './fingerprint.js';

const key = createSecretKey(Buffer.from('key'));
const of = (...request: unknown[]) => fingerprintOf(key, request);

describe('a fingerprint', () => {
  it('does not depend on the order of members', () => {
    expect(of({ a: 1, b: { c: 2, d: [3] } })).toBe(of({ b: { d: [3], c: 2 }, a: 1 }));
  });

  it('is the same for what JSON says the same of, and for nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const sorted = (value: unknown): string =>
          JSON.stringify(value, (_, part) =>
            typeof part === 'object' && part !== null && !Array.isArray(part)
              ? { members: Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)) }
              : part,
          );
        expect(of(one) === of(other)).toBe(sorted(one) === sorted(other));
      }),
    );
  });

  it.each([
    ['another byte of an embedding', [{ data: new Uint8Array([1, 2]) }], [{ data: new Uint8Array([1, 3]) }]],
    ['bytes and the list of their numbers', [new Uint8Array([1])], [[1]]],
    [
      'bytes moved from one place to the next',
      [new Uint8Array([1, 2]), new Uint8Array([])],
      [new Uint8Array([1]), new Uint8Array([2])],
    ],
    ['letters moved into the name before', [{ ab: 'c' }], [{ a: 'bc' }]],
    ['a text and a number', ['1'], [1]],
    ['no body and an empty one', [undefined], [{}]],
  ])('tells apart %s', (_, one, other) => {
    expect(of(...one)).not.toBe(of(...other));
  });

  it('is another one under another key', () => {
    expect(fingerprintOf(createSecretKey(Buffer.from('other')), [1])).not.toBe(of(1));
  });
});
