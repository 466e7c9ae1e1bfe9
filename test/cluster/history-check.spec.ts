import { ConsentGiven, ConsentWithdrawn } from '#lib/consent/contract';
import { type Fact, TenantId } from '#lib/core';
import { MatchDecided } from '#lib/matching/contract';
import { NoticePublished, PurposeActivated, PurposeAssessed, PurposeDefined } from '#lib/policy/contract';
import type { StoredEvent } from '#lib/ports';
import { SubjectRegistered } from '#lib/subjects/contract';
import { TemplateEnrolled, TemplateErased, TemplateErasureBegun } from '#lib/templates/contract';
import { agreement, terms } from '../support/consent.js';
import { notice, noticeId, purpose, purposeId, thresholdCardId } from '../support/policy.js';
import { templateTerms } from '../support/templates.js';
import { answersOf, type Kind, type Operation } from './history.js';
import { findingsIn, owedIn, unerasedIn } from './history-check.js';

const { subjectId } = agreement;
const consentId = templateTerms.consentId;
const { templateId } = templateTerms;
const of = { subjectId, purposeId };
const matchIds = ['3f0f2f6a-4d0e-4a0a-9a51-1f6b7c1d2e01', '3f0f2f6a-4d0e-4a0a-9a51-1f6b7c1d2e02'] as const;
const match = (matchId: string, decision: 'accept' | 'reject' = 'accept') => {
  const { id, version } = templateTerms.model;
  return MatchDecided(
    MatchDecided.data.parse({
      ...{ ...of, matchId, decision, reasons: [], consentId, templateId, model: { id, version }, thresholdCardId },
    }),
  );
};
const { noticeVersion: _version, ...said } = terms;
const hash = terms.noticeHash;
const facts: readonly Fact[] = [
  NoticePublished({ ...notice, noticeId, version: 1, hash }),
  PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } }),
  PurposeAssessed({ purposeId, assessmentId: 'a', validUntil: '2027-06-01T00:00:00Z' }),
  PurposeActivated({ purposeId }),
  SubjectRegistered({ subjectId, kind: 'patient', sealed: 'AAAA' }),
  ConsentGiven({ ...said, noticeVersion: 1, consentId }),
  TemplateEnrolled(TemplateEnrolled.data.parse(templateTerms)),
  match(matchIds[0]),
  ConsentWithdrawn({ ...of, consentId, channel: 'counter' }),
  match(matchIds[1], 'reject'),
  TemplateErasureBegun({ ...of, templateId, trigger: 'consent-withdrawn' }),
  TemplateErased({ ...of, templateId, trigger: 'consent-withdrawn', generation: 1 }),
];

const streamOf = ({ type, data }: Fact): string => {
  const { matchId } = data as { matchId?: string };
  if (type.startsWith('policy.notice')) return `notice-${noticeId}`;
  if (type.startsWith('policy.')) return `purpose-${purposeId}`;
  if (type.startsWith('subject.')) return `subject-${subjectId}`;
  if (matchId) return `match-${subjectId}-2026-06`;
  return `${type.split('.')[0]}-${subjectId}-${purposeId}`;
};

/** A log of these facts, one an hour from 1 June 2026 on. */
function logOf(list: readonly Fact[]): StoredEvent[] {
  const revisions = new Map<string, number>();
  return list.map((fact, n) => {
    const stream = streamOf(fact);
    const revision = (revisions.get(stream) ?? 0) + 1;
    revisions.set(stream, revision);
    const at = new Date(Date.UTC(2026, 5, 1, n)).toISOString();
    const tenant = TenantId.parse('here');
    return { ...fact, id: `event-${n}`, tenant, stream, revision, sequence: n + 1, at, actor: 'a' };
  });
}

type Change = Partial<Operation> & { readonly problem?: string; readonly times?: readonly [number, number] };

/** What a caller did between two instants, and was answered. */
function operation(kind: Kind, id: string, times: readonly [number, number], status: number, change: Change = {}) {
  const { problem, times: [beganMs, endedMs] = times, ...rest } = change;
  const attempt = { server: 0, beganMs, endedMs, status, ...(problem && { problem }) };
  const answer = { status, position: 99, body: {} };
  return { kind, subjectId, id, attempts: [attempt], answer, ...rest } satisfies Operation;
}
const decided = (matchId: string, decision = 'accept') => ({
  answer: { status: 200, position: 99, body: { matchId, decision, consentId } },
});
const lost = { server: 0, beganMs: 0, endedMs: 5 };

const registered = operation('register', subjectId, [0, 1], 201);
const given = operation('consent', consentId, [2, 3], 201);
const enrolled = operation('enrol', templateId, [4, 5], 201);
const verified = operation('verify', 'one', [6, 7], 200, decided(matchIds[0]));
const withdrawn = operation('withdraw', consentId, [8, 9], 200);
const rejected = operation('verify', 'two', [10, 11], 200, decided(matchIds[1], 'reject'));
const blocked = operation('verify', 'three', [12, 13], 403, { problem: 'matching.not-permitted' });
const operations: readonly Operation[] = [registered, given, enrolled, verified, withdrawn, rejected, blocked];

const rules = (list: readonly Operation[], log = logOf(facts)) => findingsIn(list, log).map(({ rule }) => rule);
const without = (...left: Operation[]) => operations.filter((each) => !left.includes(each));
const withFacts = (change: (list: Fact[]) => Fact[]) => logOf(change([...facts]));

describe('a history held against a log', () => {
  it('agrees where all is well', () => {
    expect(findingsIn(operations, logOf(facts))).toEqual([]);
  });

  it('lets what was not answered be done or not', () => {
    const { answer: _answer, ...unknown } = operation('verify', 'four', [14, 15], 200);
    const silent = { ...unknown, attempts: [lost] };
    expect(rules([...operations, silent])).toEqual([]);
    const third = '3f0f2f6a-4d0e-4a0a-9a51-1f6b7c1d2e03';
    expect(
      rules(
        [...operations, silent],
        withFacts((list) => list.toSpliced(8, 0, match(third))),
      ),
    ).toEqual([]);
    const { answer: _told, ...untold } = withdrawn;
    expect(rules([...without(withdrawn), { ...untold, attempts: [lost] }])).toEqual([]);
  });

  it('lets a refusal come after a try that was lost and had been done', () => {
    const refused = operation('enrol', templateId, [4, 5], 403, { problem: 'templates.not-permitted' });
    expect(rules([...without(enrolled), { ...refused, attempts: [lost, ...refused.attempts] }])).toEqual([]);
    expect(rules([...without(enrolled), refused])).toEqual(['refused-but-done']);
  });

  const planted: readonly [what: string, rule: string, history: readonly Operation[], log?: StoredEvent[]][] = [
    [
      'an acknowledged write that is not there',
      'lost',
      operations,
      withFacts((list) => list.toSpliced(10, 2).toSpliced(8, 1)),
    ],
    ['an acknowledged match that is not there', 'lost', operations, withFacts((list) => list.toSpliced(7, 1))],
    [
      'a match that is there twice',
      'doubled',
      operations,
      withFacts((list) => list.toSpliced(8, 0, match(matchIds[0]))),
    ],
    [
      'a withdrawal that is there twice',
      'doubled',
      operations,
      withFacts((list) => list.toSpliced(9, 0, list[8] as Fact)),
    ],
    ['an erasure that ended twice', 'doubled', operations, withFacts((list) => [...list, list[11] as Fact])],
    ['a write that nobody asked for', 'unasked', without(withdrawn)],
    ['a match that nobody asked for', 'unasked', without(rejected)],
    [
      'an answer other than what was recorded',
      'differs',
      [...without(rejected), operation('verify', 'two', [10, 11], 200, decided(matchIds[1], 'accept'))],
    ],
    [
      'a position before the fact',
      'differs',
      [
        ...without(given),
        operation('consent', consentId, [2, 3], 201, { answer: { status: 201, position: 5, body: {} } }),
      ],
    ],
    [
      'an order that is not that of real time',
      'real-time',
      [...without(verified), operation('verify', 'one', [14, 15], 200, decided(matchIds[0]))],
    ],
    [
      'an accept after a withdrawal was acknowledged',
      'accept-after-withdrawal',
      [...without(rejected), operation('verify', 'two', [10, 11], 200, decided(matchIds[1]))],
      withFacts((list) => list.with(9, match(matchIds[1]))),
    ],
    [
      'an accept after a withdrawal, in the log',
      'log',
      operations,
      withFacts((list) => list.with(9, match(matchIds[1]))),
    ],
    ['a gap in the log', 'log', operations, logOf(facts).toSpliced(3, 1)],
    [
      'a refusal while a consent stands',
      'stale-refusal',
      [...operations, operation('verify', 'four', [6, 7], 403, { problem: 'matching.not-permitted' })],
    ],
    [
      'no template while one is enrolled',
      'stale-refusal',
      [...operations, operation('verify', 'four', [6, 7], 404, { problem: 'matching.no-template' })],
    ],
    [
      'a refusal for nothing',
      'unexpected',
      [...operations, operation('withdraw', 'other', [14, 15], 404, { problem: 'consent.missing' })],
    ],
  ];
  for (const [what, rule, list, log] of planted) {
    it(`finds ${what}`, () => expect(rules(list, log)).toContain(rule));
  }

  it('knows a refusal that was true: while the consent was on its way, or the withdrawal', () => {
    const refused = (times: readonly [number, number], problem: string) =>
      operation('verify', 'four', times, problem === 'matching.no-template' ? 404 : 403, { problem });
    expect(rules([...operations, refused([2.5, 6], 'matching.not-permitted')])).toEqual([]);
    expect(rules([...operations, refused([4.5, 6], 'matching.no-template')])).toEqual([]);
    expect(rules([...operations, refused([7, 8.5], 'matching.not-permitted')])).toEqual([]);
  });

  it('finds templates that should be gone, and only once they should', () => {
    const log = logOf(facts);
    const kept = log.filter(({ type }) => type !== 'template.erased');
    expect(owedIn(log, '2030-01-01T00:00:00.000Z')).toEqual([]);
    expect(owedIn(kept, '2026-06-01T07:59:59.999Z')).toEqual([]);
    expect(unerasedIn(kept, '2026-06-01T08:00:00.000Z')).toEqual([
      { rule: 'unerased', what: `template ${templateId}` },
    ]);
    const lasting = log.filter(({ type }) => !['template.erased', 'consent.withdrawn'].includes(type));
    expect(owedIn(lasting, '2027-04-30T23:59:59.000Z')).toEqual([]);
    expect(owedIn(lasting, '2027-05-01T00:00:00.000Z')).toEqual([templateId]);
  });
});

describe('the answers of some time', () => {
  const at = (beganMs: number, endedMs: number, status?: number, problem?: string): Operation => {
    const attempt = { server: 0, beganMs, endedMs, ...(status && { status }), ...(problem && { problem }) };
    return { kind: 'verify', subjectId, id: 'any', attempts: [attempt] };
  };
  const within = { fromMs: 100, toMs: 2_000, limitMs: 1_000 };

  it('are documented, in time, and count only there', () => {
    const fine = [at(100, 300, 200), at(200, 500, 503, 'matching.unavailable'), at(0, 5_000, 500), at(300, 310)];
    expect(answersOf(fine, within)).toEqual({
      count: 2,
      worstMs: 300,
      late: [],
      undocumented: [],
      withoutAlternatives: 1,
    });
  });

  it.each<[string, Operation, object]>([
    ['late', at(100, 1_101, 200), { worstMs: 1_001, late: [expect.objectContaining({ status: 200 })] }],
    ['none at all', at(100, 5_100), { worstMs: 5_000, late: [expect.objectContaining({ endedMs: 5_100 })] }],
    ['a bug', at(100, 200, 500, 'http.internal'), { undocumented: ['verify: 500 http.internal'] }],
  ])('are found where one is %s', (_, operation, found) => {
    expect(answersOf([operation], within)).toMatchObject(found);
  });
});
