import { type DatedFact, stateOf } from '#lib/core';
import { consentId, otherConsentId, subjectId, terms } from '../../../test/support/consent.js';
import { purposeId } from '../../../test/support/policy.js';
import {
  ConsentExpired,
  ConsentGiven,
  ConsentId,
  ConsentRenewed,
  ConsentStream,
  ConsentWithdrawn,
  Terms,
} from './consent.stream.js';
import { expireConsent } from './expire-consent.js';

const at = '2026-05-01T00:00:00.000Z';
const of = { consentId, subjectId, purposeId };
const given = { ...ConsentGiven({ consentId, ...terms }), at };
const expired = ConsentExpired(of);
const { subjectId: subject, purposeId: purpose, validUntil } = Terms.parse(terms);
const end = Date.parse(validUntil);
const expire = (past: readonly DatedFact[], atMs = end) =>
  expireConsent(
    stateOf(ConsentStream, past),
    { consent: { consentId: ConsentId.parse(consentId), subjectId: subject, purposeId: purpose } },
    new Date(atMs),
  );

describe('expire consent', () => {
  it('is recorded once, from the instant it ends', () => {
    expect(expire([given])).toEqual([expired]);
    expect(expire([given, { ...expired, at }], end + 1)).toEqual([]);
  });

  it('records nothing while there is time left', () => {
    expect(expire([given], end - 1)).toEqual([]);
  });

  it.each([
    ['withdrawn', ConsentWithdrawn({ ...of, channel: 'online' })],
    ['renewed', ConsentRenewed({ ...terms, consentId: otherConsentId, replaces: consentId })],
  ])('records nothing of one that was %s', (_, fact) => {
    expect(expire([given, { ...fact, at }], end + 1)).toEqual([]);
  });

  it('is refused where there is none', () => {
    expect(() => expire([])).toThrow(expect.objectContaining({ code: 'consent.missing' }));
  });
});
