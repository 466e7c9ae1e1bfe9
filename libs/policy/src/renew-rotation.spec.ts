import { stateOf } from '#lib/core';
import { identifying, officer, purpose, purposeId } from '../../../test/support/policy.js';
import { PurposeDefined, PurposeId, PurposeStream, PurposeTerms, RotationRenewed } from './purpose.stream.js';
import { RenewRotation, renewRotation } from './renew-rotation.js';

const at = '2026-05-01T00:00:00.000Z';
const id = PurposeId.parse(purposeId);
const defined = (change: object) => ({
  ...PurposeDefined({ purposeId, terms: PurposeTerms.parse({ ...purpose, ...change }) }),
  at,
});
const renewed = { ...RotationRenewed({ purposeId, version: 2 }), at };
const renew = (past: Parameters<typeof stateOf>[1], version: number) =>
  renewRotation(stateOf(PurposeStream, past), new RenewRotation(officer, id, version));
const refusedAs = (code: string) => expect.objectContaining({ code });

describe('renew rotation', () => {
  it('goes from each key to the next, and once', () => {
    expect(renew([defined(identifying())], 2)).toEqual([RotationRenewed({ purposeId, version: 2 })]);
    expect(renew([defined(identifying()), renewed], 2)).toEqual([]);
    expect(renew([defined(identifying()), renewed], 3)).toEqual([RotationRenewed({ purposeId, version: 3 })]);
  });

  it('takes the first key for the one there is', () => {
    expect(renew([defined(identifying())], 1)).toEqual([]);
  });

  it.each([1, 4])('is refused to go from the second key to the %dth', (version) => {
    const far = () => renew([defined(identifying()), renewed], version);
    expect(far).toThrow(refusedAs('policy.not-next-rotation'));
    expect(far).toThrow(expect.objectContaining({ detail: { version: 2 } }));
  });

  it('is refused of a purpose without galleries', () => {
    expect(() => renew([defined({})], 2)).toThrow(refusedAs('policy.not-identifying'));
    expect(() => renew([], 2)).toThrow(refusedAs('policy.purpose-missing'));
  });
});
