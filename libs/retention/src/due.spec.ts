import {
  ConsentExpired,
  ConsentGiven,
  ConsentId,
  ConsentRenewed,
  ConsentStream,
  ConsentWithdrawn,
} from '#lib/consent/contract';
import { stateOf } from '#lib/core';
import { consentId, otherConsentId, subjectId, terms } from '../../../test/support/consent.js';
import { purposeId } from '../../../test/support/policy.js';
import { consentEndOf, dueOf } from './due.js';

const enrolledAt = '2026-06-01T10:30:00.000Z';
const longConsent = '2099-01-01T00:00:00.000Z';

describe('a due date', () => {
  it.each([
    [
      'is set by maxDays from enrolment',
      { maxDays: 365 },
      longConsent,
      undefined,
      '2027-06-01T10:30:00.000Z',
      'max-days',
    ],
    ['counts leap days as days', { maxDays: 1_000 }, longConsent, undefined, '2029-02-25T10:30:00.000Z', 'max-days'],
    [
      'is set by the consent',
      { maxDays: 365 },
      '2026-07-01T00:00:00Z',
      undefined,
      '2026-07-01T00:00:00.000Z',
      'consent-validity',
    ],
    [
      'is set by inactivity since enrolment',
      { maxDays: 365, inactivityDays: 180 },
      longConsent,
      undefined,
      '2026-11-28T10:30:00.000Z',
      'inactivity',
    ],
    [
      'is moved by an accept, to its day',
      { maxDays: 365, inactivityDays: 180 },
      longConsent,
      '2026-08-01T23:59:59.999Z',
      '2027-01-28T00:00:00.000Z',
      'inactivity',
    ],
    [
      'is not moved before what enrolment says',
      { maxDays: 365, inactivityDays: 180 },
      longConsent,
      '2026-06-01T23:00:00.000Z',
      '2026-11-28T10:30:00.000Z',
      'inactivity',
    ],
    [
      'is not moved beyond maxDays',
      { maxDays: 200, inactivityDays: 180 },
      longConsent,
      '2026-08-01T00:00:00.000Z',
      '2026-12-18T10:30:00.000Z',
      'max-days',
    ],
    [
      'names maxDays first of equals',
      { maxDays: 180, inactivityDays: 180 },
      '2026-11-28T10:30:00.000Z',
      undefined,
      '2026-11-28T10:30:00.000Z',
      'max-days',
    ],
    [
      'names inactivity before the consent',
      { maxDays: 365, inactivityDays: 180 },
      '2026-11-28T10:30:00.000Z',
      undefined,
      '2026-11-28T10:30:00.000Z',
      'inactivity',
    ],
  ])('%s', (_, retention, consentValidUntil, lastAcceptedAt, dueAt, rule) => {
    expect(dueOf({ enrolledAt, retention, consentValidUntil, lastAcceptedAt })).toEqual({ dueAt, rule });
  });
});

describe('the end of a consent', () => {
  const at = '2026-06-01T00:00:00.000Z';
  const of = { subjectId, purposeId };
  const given = { ...ConsentGiven({ ...terms, consentId }), at };
  const renewed = {
    ...ConsentRenewed({ ...terms, consentId: otherConsentId, replaces: consentId, validUntil: '2028-01-01T00:00:00Z' }),
    at,
  };
  const first = ConsentId.parse(consentId);

  it.each([
    ['its own', [given], '2027-05-01T00:00:00.000Z'],
    ['that of the one that took its place', [given, renewed], '2028-01-01T00:00:00.000Z'],
    [
      'its withdrawal',
      [given, renewed, { ...ConsentWithdrawn({ ...of, consentId: otherConsentId, channel: 'counter' }), at }],
      at,
    ],
    [
      'its time, whenever that was noticed',
      [given, { ...ConsentExpired({ ...of, consentId }), at: '2027-06-01T00:00:00.000Z' }],
      '2027-05-01T00:00:00.000Z',
    ],
  ])('is %s', (_, past, end) => {
    expect(consentEndOf(stateOf(ConsentStream, past), first)).toBe(end);
  });
});
