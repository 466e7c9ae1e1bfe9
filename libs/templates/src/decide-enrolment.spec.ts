import { ConsentGiven, ConsentRenewed, ConsentStream, ConsentWithdrawn } from '#lib/consent/contract';
import { type DatedFact, type EventDefinition, type Stream, stateOf } from '#lib/core';
import {
  NoticePublished,
  NoticeStream,
  PurposeActivated,
  PurposeAssessed,
  PurposeDefined,
  PurposeStream,
  PurposeSuspended,
} from '#lib/policy/contract';
import { SubjectErasureBegun, SubjectRegistered, SubjectStream } from '#lib/subjects/contract';
import { consentId, otherConsentId, subjectId, terms } from '../../../test/support/consent.js';
import { assessmentId, notice, noticeId, purpose, purposeId, thresholdCard } from '../../../test/support/policy.js';
import { enrolment, keyId, templateId, templateTerms } from '../../../test/support/templates.js';
import { activeMax, type Enrolment, type EnrolmentGrounds, enrolTemplate } from './decide-enrolment.js';
import { TemplateEnrolled, TemplateErased, TemplateErasureBegun, TemplateStream } from './template.stream.js';

const at = '2026-06-01T00:00:00.000Z';
const now = new Date('2026-06-02T00:00:00.000Z');
const dated = (...facts: Omit<DatedFact, 'at'>[]): DatedFact[] => facts.map((fact) => ({ ...fact, at }));
const told = <S, D extends EventDefinition>(stream: Stream<S, D>, ...facts: Omit<DatedFact, 'at'>[]) =>
  stateOf(stream, dated(...facts));

const of = { subjectId, purposeId, templateId };
const registered = SubjectRegistered({ subjectId, kind: 'patient', sealed: 'c2VhbGVk' });
const hash = terms.noticeHash;
const active = [
  PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } }),
  PurposeAssessed({ purposeId, assessmentId, validUntil: '2027-05-01T00:00:00Z' }),
  PurposeActivated({ purposeId }),
];
const given = ConsentGiven({ ...terms, noticeVersion: 1, consentId });
const published = NoticePublished({ ...notice, noticeId, version: 1, hash });
const grounds: EnrolmentGrounds = {
  subject: told(SubjectStream, registered),
  purpose: told(PurposeStream, ...active),
  notice: told(NoticeStream, published),
  consents: told(ConsentStream, given),
  card: thresholdCard as EnrolmentGrounds['card'],
  alternatives: ['id-card'],
};
const asked = { ...enrolment, templateId } as unknown as Enrolment;
const enrolled = TemplateEnrolled(templateTerms);

const enrolAfter = (past: readonly Omit<DatedFact, 'at'>[], over: Partial<EnrolmentGrounds> = {}, what = asked) =>
  enrolTemplate(told(TemplateStream, ...past), { ...grounds, ...over }, what, keyId, now);

describe('enrol a template', () => {
  it('records all but the vector, and the rules and the consent it stands on', () => {
    expect(enrolAfter([])).toEqual([enrolled]);
  });

  it('records a repeat once, also where its consent was renewed', () => {
    expect(enrolAfter([enrolled])).toEqual([]);
    const renewed = ConsentRenewed({ ...terms, noticeVersion: 1, consentId: otherConsentId, replaces: consentId });
    expect(enrolAfter([enrolled], { consents: told(ConsentStream, given, renewed) })).toEqual([]);
  });

  it('takes a template whose consent ended for an erased one, begun or not', () => {
    const anew = told(
      ConsentStream,
      given,
      ConsentWithdrawn({ subjectId, purposeId, consentId, channel: 'counter' }),
      ConsentGiven({ ...terms, noticeVersion: 1, consentId: otherConsentId }),
    );
    expect(() => enrolAfter([enrolled], { consents: anew })).toThrow(
      expect.objectContaining({ code: 'templates.erased' }),
    );
  });

  it.each<[string, Partial<EnrolmentGrounds>, string, object]>([
    ['an unknown subject', { subject: told(SubjectStream) }, 'subjects.missing', {}],
    [
      'a subject being erased',
      { subject: told(SubjectStream, registered, SubjectErasureBegun({ subjectId })) },
      'subjects.missing',
      {},
    ],
    ['an unknown purpose', { purpose: told(PurposeStream) }, 'policy.purpose-missing', {}],
    [
      'a suspended purpose',
      { purpose: told(PurposeStream, ...active, PurposeSuspended({ purposeId })) },
      'templates.not-permitted',
      { reason: 'purpose-not-active', alternatives: ['id-card'] },
    ],
    [
      'no consent',
      { consents: told(ConsentStream) },
      'templates.not-permitted',
      { reason: 'no-consent', alternatives: ['id-card'] },
    ],
    [
      'a consent to a superseded notice',
      { notice: told(NoticeStream, published, NoticePublished({ ...notice, noticeId, version: 2, hash })) },
      'templates.not-permitted',
      { reason: 'notice-superseded', alternatives: ['id-card'] },
    ],
    [
      'another model on the card',
      { card: { ...grounds.card, model: { ...grounds.card.model, version: '2' } } },
      'templates.wrong-model',
      { errors: [{ path: 'model', code: 'wrong-model' }] },
    ],
  ])('is refused on %s', (_, over, code, detail) => {
    expect(() => enrolAfter([], over)).toThrow(expect.objectContaining({ code, detail }));
  });

  it.each([
    ['quality', { quality: 0.5 }],
    ['time', { capturedAt: '2026-06-01T00:00:01Z' }],
    ['device', { deviceId: 'kiosk-2' }],
  ])('is refused under a known id with another %s', (_, over) => {
    const other = { ...asked, ...over } as Enrolment;
    expect(() => enrolAfter([enrolled], {}, other)).toThrow(expect.objectContaining({ code: 'templates.id-taken' }));
  });

  it('never takes the id of one that was or is being erased', () => {
    const begun = TemplateErasureBegun({ ...of, trigger: 'requested' });
    const erased = TemplateErased({ ...of, trigger: 'requested', generation: 1 });
    for (const past of [
      [enrolled, begun],
      [enrolled, begun, erased],
    ]) {
      expect(() => enrolAfter(past)).toThrow(expect.objectContaining({ code: 'templates.erased' }));
    }
  });

  it(`is refused beyond ${activeMax} active ones`, () => {
    const others = Array.from({ length: activeMax }, (_, n) =>
      TemplateEnrolled({ ...templateTerms, templateId: templateId.replace(/^../, `${10 + n}`) }),
    );
    expect(enrolAfter(others.slice(1))).toHaveLength(1);
    expect(() => enrolAfter(others)).toThrow(expect.objectContaining({ code: 'templates.too-many' }));
  });
});
