import fc from 'fast-check';
import { keyBinding, personalBinding, templateBinding } from './associated-data.js';

const field = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('a', 'b', '\0', '\u0001', 'é') });
const personal = fc.record({ tenant: field, subject: field, context: field, keyId: field });
const key = { tenant: 'here', keyId: 'key-1', kekId: 'kek-1' };

describe('associated data', () => {
  it('is the same for two bindings only if they are the same', () => {
    fc.assert(
      fc.property(personal, personal, (one, other) => {
        const same = Object.entries(one).every(([name, value]) =>
          Object.entries(other).some(([n, v]) => n === name && v === value),
        );
        expect(Buffer.compare(personalBinding(one), personalBinding(other)) === 0).toBe(same);
      }),
    );
  });

  it('does not depend on the order in which fields are named', () => {
    const { tenant, keyId, kekId } = key;
    expect(keyBinding({ kekId, keyId, tenant })).toEqual(keyBinding(key));
  });

  it('tells kinds apart that have the same first fields', () => {
    const all = { tenant: 'a', subject: 'b', purpose: 'c', template: 'd', model: 'e', suite: 'f', keyId: 'g' };
    const made = [templateBinding(all), personalBinding({ ...all, context: 'c' }), keyBinding({ ...all, kekId: 'c' })];
    expect(new Set(made.map((aad) => Buffer.from(aad).toString('latin1').slice(2, 16))).size).toBe(3);
  });

  it.each([
    ['empty', ''],
    ['longer than its length can say', 'x'.repeat(65_536)],
    ['not well-formed', 'a\ud800'],
  ])('is not made of a field that is %s; the value is not shown', (_, keyId) => {
    expect(() => keyBinding({ ...key, keyId })).toThrow(
      new RangeError('lethe/key/v1: keyId must be well-formed text of 1 to 65535 bytes'),
    );
  });

  it('is made of a field as long as its length can say', () => {
    expect(keyBinding({ ...key, keyId: 'x'.repeat(65_535) }).length).toBe(2 + 12 + 2 + 4 + 2 + 65_535 + 2 + 5);
  });
});
