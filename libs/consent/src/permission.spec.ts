import fc from 'fast-check';
import { type DatedFact, stateOf } from '#lib/core';
import {
  NoticePublished,
  NoticeStream,
  PurposeActivated,
  PurposeAssessed,
  PurposeDefined,
  PurposeStream,
  PurposeSuspended,
  ThresholdCardChanged,
} from '#lib/policy/contract';
import { SubjectErased, SubjectErasureBegun, SubjectRegistered, SubjectStream } from '#lib/subjects/contract';
import { consentId, otherConsentId, refusalId, subjectId, terms } from '../../../test/support/consent.js';
import {
  assessmentId,
  checkpointId,
  newThresholdCardId,
  notice,
  noticeId,
  purpose,
  purposeId,
  thresholdCardId,
} from '../../../test/support/policy.js';
import {
  ConsentExpired,
  ConsentGiven,
  ConsentRefused,
  ConsentRenewed,
  ConsentStream,
  ConsentWithdrawn,
} from './consent.stream.js';
import { type PermissionReason, permissionOn } from './permission.js';

/** The past of each ground: what a decision reads is always folded from facts. */
interface Past {
  readonly subject: readonly DatedFact[];
  readonly purpose: readonly DatedFact[];
  readonly notice: readonly DatedFact[];
  readonly consents: readonly DatedFact[];
}

const on = (day: number) => new Date(Date.UTC(2026, 4, day)).toISOString();
const now = new Date(on(20));
const dated = <F extends object>(fact: F, day = 1) => ({ ...fact, at: on(day) });
const of = { subjectId, purposeId };

const registered = dated(SubjectRegistered({ subjectId, kind: 'patient', sealed: 'c2VhbGVk' }));
const erasing = dated(SubjectErasureBegun({ subjectId }));
const erased = dated(SubjectErased({ subjectId }));

const defined = dated(PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } }));
const assessed = (validUntil: string) => dated(PurposeAssessed({ purposeId, assessmentId, validUntil }));
const activated = dated(PurposeActivated({ purposeId }));
const suspended = dated(PurposeSuspended({ purposeId }));

const cards = { thresholdCardId: newThresholdCardId, previousThresholdCardId: thresholdCardId };
const cardChanged = dated(ThresholdCardChanged({ purposeId, ...cards }));

const version = (n: number, material = true) =>
  dated(NoticePublished({ ...notice, noticeId, version: n, hash: String(n).repeat(64), material }));

const given = (change: { consentId?: string; validUntil?: string; noticeVersion?: number } = {}, day = 2) =>
  dated(ConsentGiven({ consentId, ...terms, ...change }), day);
const renewed = (change: { validUntil?: string; noticeVersion?: number } = {}) =>
  dated(ConsentRenewed({ consentId: otherConsentId, replaces: consentId, ...terms, ...change }), 3);
const withdrawn = (id: string = consentId) => dated(ConsentWithdrawn({ consentId: id, ...of, channel: 'counter' }), 4);
const expired = dated(ConsentExpired({ consentId, ...of }), 5);
const refused = (day: number) => dated(ConsentRefused({ refusalId, ...of, checkpointId, channel: 'counter' }), day);

const whole: Past = {
  subject: [registered],
  purpose: [defined, assessed(on(30)), activated],
  notice: [version(1), version(2)],
  consents: [given()],
};

const decide = (change: Partial<Past> = {}, instant = now) => {
  const past = { ...whole, ...change };
  return permissionOn(
    {
      subject: stateOf(SubjectStream, past.subject),
      purpose: stateOf(PurposeStream, past.purpose),
      notice: stateOf(NoticeStream, past.notice),
      consents: stateOf(ConsentStream, past.consents),
    },
    instant,
  );
};

type Case = readonly [what: string, change: Partial<Past>];

const sound: Record<keyof Past, readonly Case[]> = {
  subject: [['a registered subject', {}]],
  purpose: [
    ['an active purpose', {}],
    ['a purpose active again', { purpose: [defined, assessed(on(30)), activated, suspended, activated] }],
    [
      'a new threshold card assessed',
      { purpose: [defined, assessed(on(30)), activated, cardChanged, assessed(on(30))] },
    ],
    ['a lapsed assessment beside a valid one', { purpose: [defined, assessed(on(19)), assessed(on(30)), activated] }],
  ],
  notice: [
    ['the version that was shown', {}],
    ['a later version that is not material', { notice: [version(1), version(2), version(3, false)] }],
  ],
  consents: [
    ['a consent that was given', {}],
    ['a renewed one', { consents: [given(), renewed()] }],
    ['one that renewed one over since', { consents: [given({ validUntil: on(10) }), renewed()] }],
    ['one given after a withdrawal', { consents: [given(), withdrawn(), given({ consentId: otherConsentId }, 5)] }],
    ['one given after a refusal', { consents: [refused(1), given()] }],
    ['one that ends in a moment', { consents: [given({ validUntil: '2026-05-20T00:00:00.001Z' })] }],
  ],
};

const broken: Record<keyof Past, readonly (readonly [...Case, PermissionReason])[]> = {
  subject: [
    ['a subject never registered', { subject: [] }, 'no-consent'],
    ['a subject being erased', { subject: [registered, erasing] }, 'no-consent'],
    ['an erased subject', { subject: [registered, erasing, erased] }, 'no-consent'],
  ],
  purpose: [
    ['no purpose', { purpose: [] }, 'purpose-not-active'],
    ['a purpose never activated', { purpose: [defined, assessed(on(30))] }, 'purpose-not-active'],
    ['a suspended purpose', { purpose: [defined, assessed(on(30)), activated, suspended] }, 'purpose-not-active'],
    ['an assessment that lapses now', { purpose: [defined, assessed(on(20)), activated] }, 'assessment-lapsed'],
    [
      'a threshold card changed since',
      { purpose: [defined, assessed(on(30)), activated, cardChanged] },
      'assessment-lapsed',
    ],
    ['no assessment', { purpose: [defined, activated] }, 'assessment-lapsed'],
  ],
  notice: [
    ['no notice', { notice: [] }, 'notice-superseded'],
    ['a material version since', { notice: [version(1), version(2), version(3)] }, 'notice-superseded'],
    [
      'a material version since, and one that is not after it',
      { notice: [version(1), version(2), version(3), version(4, false)] },
      'notice-superseded',
    ],
    ['a version that was never published', { notice: [version(1)] }, 'notice-superseded'],
  ],
  consents: [
    ['no consent', { consents: [] }, 'no-consent'],
    ['a refusal', { consents: [refused(2)] }, 'consent-refused'],
    ['a refusal after a withdrawal', { consents: [given(), withdrawn(), refused(5)] }, 'consent-refused'],
    ['a withdrawal', { consents: [given(), withdrawn()] }, 'consent-withdrawn'],
    ['a withdrawal after a refusal', { consents: [refused(1), given(), withdrawn()] }, 'consent-withdrawn'],
    ['a withdrawn renewal', { consents: [given(), renewed(), withdrawn(otherConsentId)] }, 'consent-withdrawn'],
    ['a consent that ends now', { consents: [given({ validUntil: on(20) })] }, 'consent-expired'],
    ['a recorded end', { consents: [given({ validUntil: on(4) }), expired] }, 'consent-expired'],
    [
      'a renewal that is over',
      { consents: [given({ validUntil: on(9) }), renewed({ validUntil: on(10) })] },
      'consent-expired',
    ],
    ['a consent given upon an old version', { consents: [given({ noticeVersion: 1 })] }, 'notice-superseded'],
  ],
};

const grounds = Object.keys(whole) as (keyof Past)[];

describe('permission', () => {
  it.each(grounds.flatMap((ground) => sound[ground]))('is there with %s', (_, change) => {
    expect(decide(change)).toMatchObject({ permitted: true });
  });

  it('names the consent it rests on', () => {
    expect(decide({ consents: [given(), renewed()] })).toMatchObject({ consent: { consentId: otherConsentId } });
  });

  it.each(grounds.flatMap((ground) => broken[ground]))('is not there with %s', (_, change, reason) => {
    expect(decide(change)).toEqual({ permitted: false, reason });
  });

  it('ends the instant the consent or the assessment does, and not before', () => {
    const [consentEnd, assessmentEnd] = [on(25), on(30)];
    const ends = { consents: [given({ validUntil: consentEnd })] };
    const justBefore = (instant: string) => new Date(Date.parse(instant) - 1);
    expect(decide(ends, justBefore(consentEnd))).toMatchObject({ permitted: true });
    expect(decide(ends, new Date(consentEnd))).toEqual({ permitted: false, reason: 'consent-expired' });
    expect(decide({}, justBefore(assessmentEnd))).toMatchObject({ permitted: true });
    expect(decide({}, new Date(assessmentEnd))).toEqual({ permitted: false, reason: 'assessment-lapsed' });
  });

  const oneSound = (ground: keyof Past) => fc.constantFrom(...sound[ground].map(([, change]) => change));
  const oneBroken = (ground: keyof Past) => fc.constantFrom(...broken[ground].map(([, change]) => change));
  const allSound = fc.tuple(...grounds.map(oneSound)).map((changes): Partial<Past> => Object.assign({}, ...changes));

  it('holds on every ground at once, and on no fewer', () => {
    fc.assert(
      fc.property(allSound, (all) => {
        expect(decide(all)).toMatchObject({ permitted: true });
      }),
    );
    const breaking = fc.constantFrom(...grounds).chain((ground) => fc.tuple(allSound, oneBroken(ground)));
    fc.assert(
      fc.property(breaking, ([all, change]) => {
        expect(decide({ ...all, ...change })).toMatchObject({ permitted: false });
      }),
      { numRuns: 500 },
    );
  });

  it('is there only if each ground holds by itself, whatever the facts', () => {
    const some = <T>(...facts: T[]) => fc.array(fc.constantFrom(...facts), { maxLength: 6 });
    const anyPast = fc.record({
      subject: some<DatedFact>(registered, erasing, erased),
      purpose: some<DatedFact>(activated, suspended, assessed(on(19)), assessed(on(30)), cardChanged).map((facts) => [
        defined,
        ...facts,
      ]),
      notice: fc
        .array(fc.boolean(), { maxLength: 4 })
        .map((materials) => materials.map((material, n) => version(n + 1, material))),
      consents: some<DatedFact>(
        given(),
        given({ validUntil: on(19) }),
        given({ noticeVersion: 1 }),
        withdrawn(),
        expired,
        refused(3),
      ),
    });
    fc.assert(
      fc.property(anyPast, (past) => {
        const last = past.consents.findLast(({ type }) => type === 'consent.given');
        const consent = last && stateOf(ConsentStream, past.consents).consents.at(-1);
        const isConsenting =
          consent !== undefined &&
          !consent.withdrawnAt &&
          !consent.expiredAt &&
          new Date(consent.terms.validUntil) > now;
        const isActive = past.purpose.findLast(({ type }) => /activated|suspended/.test(type)) === activated;
        const sinceChange = past.purpose.slice(past.purpose.lastIndexOf(cardChanged) + 1);
        const isAssessed = sinceChange.some(({ data }) => (data as { validUntil?: string }).validUntil === on(30));
        const shown = consent?.terms.noticeVersion ?? 0;
        const isInformed =
          shown <= past.notice.length &&
          !past.notice.slice(shown).some(({ data }) => (data as { material: boolean }).material);
        const isRegistered = past.subject.at(-1) === registered;
        expect(decide(past).permitted).toBe(isConsenting && isActive && isAssessed && isInformed && isRegistered);
      }),
      { numRuns: 2_000 },
    );
  });
});
