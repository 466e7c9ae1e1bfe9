import { ConsentExpired, ConsentGiven, ConsentRenewed, ConsentWithdrawn } from '#lib/consent/contract';
import { type Fact, TenantId } from '#lib/core';
import { MatchDecided } from '#lib/matching/contract';
import {
  NoticePublished,
  PurposeActivated,
  PurposeAssessed,
  PurposeDefined,
  PurposeSuspended,
} from '#lib/policy/contract';
import type { StoredEvent } from '#lib/ports';
import { SubjectErasureBegun, SubjectRegistered } from '#lib/subjects/contract';
import { TemplateEnrolled, TemplateErasureBegun } from '#lib/templates/contract';
import { LogAudit, type Violation } from './log-audit.js';

const subjectId = '6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02';
const [first, second, templateId, matchId] = [
  '0d5c2a9e-6b1f-4c7e-8f57-2f6f0f5f9a11',
  '7c1f6a52-94f3-4b0c-9a3e-5b7d8e1c2f33',
  '9f86d081-884c-4d65-8a2f-eaa0c55ad015',
  '3f0f2f6a-4d0e-4a0a-9a51-1f6b7c1d2e01',
];
const purposeId = 'registration';
const model = { id: 'm', version: '1' };
const noticeHash = 'a'.repeat(64);
const texts = {
  locale: 'zh-CN',
  title: 't',
  handler: 'h',
  contact: 'c',
  purpose: 'p',
  method: 'm',
  retention: 'r',
  necessity: 'n',
  rightsImpact: 'i',
  howToExercise: 'e',
  recipients: [],
  body: 'b',
};
const notice = (version: number, material: boolean) =>
  NoticePublished({ ...texts, material, noticeId: 'notice', version, hash: noticeHash });
const terms = {
  subjectId,
  purposeId,
  noticeId: 'notice',
  noticeVersion: 1,
  noticeHash,
  locale: 'zh-CN',
  channel: 'counter',
  actKind: 'button',
  sealedEvidence: 'AAAA',
  validUntil: '2026-12-01T00:00:00Z',
} as const;
const of = { subjectId, purposeId };

const policy = [
  notice(1, true),
  PurposeDefined({
    purposeId,
    terms: {
      title: 't',
      operations: ['verify'],
      legalBasis: 'consent',
      necessity: { statement: 's', lessIntrusive: 'l' },
      noticeId: 'notice',
      retention: { maxDays: 365 },
      consentMaxDays: 365,
      modes: ['central'],
      thresholdCardId: 'card',
    },
  }),
  PurposeAssessed({ purposeId, assessmentId: 'a', validUntil: '2026-11-01T00:00:00Z' }),
  PurposeActivated({ purposeId }),
];
const registered = SubjectRegistered({ subjectId, kind: 'patient', sealed: 'AAAA' });
const given = ConsentGiven({ ...terms, consentId: first });
const withdrawn = ConsentWithdrawn({ ...of, consentId: first, channel: 'counter' });
const enrolled = (consentId = first) =>
  TemplateEnrolled({
    ...of,
    templateId,
    consentId,
    consentValidUntil: terms.validUntil,
    keyId: 'key',
    model: { ...model, dim: 512 },
    capturedAt: terms.validUntil,
    mode: 'central',
    retention: { maxDays: 365 },
  });
const erasing = TemplateErasureBegun({ ...of, templateId, trigger: 'requested' });
const match = (decision: 'accept' | 'reject' = 'accept', consentId = first) =>
  MatchDecided({ ...of, matchId, decision, reasons: [], consentId, templateId, model, thresholdCardId: 'card' });

const streamOf = ({ type, data }: Fact): string => {
  const { noticeId = 'notice' } = data as { noticeId?: string };
  if (type.startsWith('policy.notice')) return `notice-${noticeId}`;
  if (type.startsWith('policy.')) return `purpose-${purposeId}`;
  if (type.startsWith('subject.')) return `subject-${subjectId}`;
  if (type.startsWith('matching.')) return `match-${subjectId}-2026-06`;
  return `${type.split('.')[0]}-${subjectId}-${purposeId}`;
};

/** What an audit finds in a log of these facts, one an hour from 1 June 2026 on, or at the instants given. */
function findingsIn(
  facts: readonly (Fact | readonly [fact: Fact, at: string])[],
  change = (events: StoredEvent[]) => events,
  audit = new LogAudit(),
): Violation[] {
  const revisions = new Map<string, number>();
  const events = facts.map((each, n): StoredEvent => {
    const [fact, at] = 'type' in each ? [each, new Date(Date.UTC(2026, 5, 1, n)).toISOString()] : each;
    const stream = streamOf(fact);
    const revision = (revisions.get(stream) ?? 0) + 1;
    revisions.set(stream, revision);
    return {
      ...fact,
      id: `event-${n}`,
      tenant: TenantId.parse('here'),
      stream,
      revision,
      sequence: n + 1,
      at,
      actor: 'a',
    };
  });
  return change(events).flatMap((event) => audit.add(event));
}
const lawful = [...policy, registered, given, enrolled(), match()];

describe('an audit of the log', () => {
  it('finds nothing in a lawful one, and says how much it looked at', () => {
    const audit = new LogAudit();
    expect(findingsIn([...lawful, match('reject'), withdrawn, match('reject'), erasing], undefined, audit)).toEqual([]);
    expect(audit.looked()).toEqual({ events: 12, enrolments: 1, accepts: 1 });
  });

  it('finds nothing after a renewal, under the new consent or with the old template', () => {
    const renewed = ConsentRenewed({ ...terms, consentId: second, replaces: first });
    expect(findingsIn([...lawful, renewed, match('accept', second)])).toEqual([]);
  });

  it('minds a notice only where it is material', () => {
    expect(findingsIn([...lawful, notice(2, false), match()])).toEqual([]);
  });

  it.each([
    ['an enrolment without consent', 'P1', 'no-consent', [...policy, registered, enrolled()]],
    ['an enrolment after withdrawal', 'P1', 'consent-withdrawn', [...policy, registered, given, withdrawn, enrolled()]],
    ['an enrolment on another consent', 'P1', 'did not stand', [...policy, registered, given, enrolled(second)]],
    [
      'an enrolment for a purpose not active',
      'P1',
      'purpose-not-active',
      [...policy.slice(0, 3), registered, given, enrolled()],
    ],
    ['an accept after withdrawal', 'P2', 'consent-withdrawn', [...lawful, withdrawn, match()]],
    [
      'an accept after expiry',
      'P1',
      'consent-expired',
      [...lawful, ConsentExpired({ ...of, consentId: first }), match()],
    ],
    [
      'an accept past the end nobody recorded',
      'P1',
      'assessment-lapsed',
      [...lawful, [match(), '2026-12-01T00:00:00.000Z'] as const],
    ],
    ['an accept while suspended', 'P1', 'purpose-not-active', [...lawful, PurposeSuspended({ purposeId }), match()]],
    ['an accept under a superseded notice', 'P1', 'notice-superseded', [...lawful, notice(2, true), match()]],
    ['an accept of a template that is leaving', 'P1', 'not active', [...lawful, erasing, match()]],
    [
      'an accept of somebody being erased',
      'P1',
      'no-consent',
      [...lawful, SubjectErasureBegun({ subjectId }), match()],
    ],
    ['an accept that names another consent', 'P1', 'did not stand', [...lawful, match('accept', second)]],
    ['an accept without a template', 'P1', 'not active', [...policy, registered, given, match()]],
    [
      'an accept of a template from before the withdrawal',
      'P2',
      'had ended',
      [...lawful, withdrawn, ConsentGiven({ ...terms, consentId: second }), match('accept', second)],
    ],
  ])('finds %s', (_, rule, what, facts) => {
    expect(findingsIn(facts)).toEqual([{ sequence: facts.length, rule, what: expect.stringContaining(what) }]);
  });

  it('finds what was taken out, put in or moved', () => {
    const orders = (change: (events: StoredEvent[]) => StoredEvent[]) =>
      findingsIn([...lawful, match(), match()], change).filter(({ rule }) => rule === 'order').length;
    expect(orders((events) => events)).toBe(0);
    expect(orders((events) => events.toSpliced(8, 1))).toBeGreaterThan(0);
    expect(orders((events) => events.toSpliced(8, 0, ...events.slice(7, 8)))).toBeGreaterThan(0);
    expect(orders((events) => [...events.slice(0, 7), ...events.slice(7).reverse()])).toBeGreaterThan(0);
  });

  it('finds what it cannot read', () => {
    const broken = (events: StoredEvent[]) =>
      events.with(-1, { ...(events.at(-1) as StoredEvent), data: { matchId: 1 } });
    expect(findingsIn(lawful, broken)).toEqual([
      { sequence: 8, rule: 'readable', what: 'matching.decided cannot be read' },
    ]);
  });
});
