import { LogAudit } from '#lib/audit';
import type { StoredEvent } from '#lib/ports';
import { answeredMs, askedLastMs, beganMs, type Operation, outcomeOf } from './history.js';

/** Something that must not be, between what callers saw and what the log says. */
export interface Finding {
  readonly rule:
    | 'log'
    | 'lost'
    | 'doubled'
    | 'unasked'
    | 'refused-but-done'
    | 'differs'
    | 'real-time'
    | 'accept-after-withdrawal'
    | 'stale-refusal'
    | 'unexpected'
    | 'unerased'
    | 'remains'
    | 'views'
    | 'unblocked'
    | 'repeat'
    | 'late'
    | 'undocumented'
    | 'unrecovered';
  /** In ids and codes. */
  readonly what: string;
}

type Data = Readonly<Record<string, string | undefined>>;
const dataOf = ({ data }: StoredEvent) => data as Data;

/** What each fact of the log is the doing of, by kind of operation and id; matches are told apart by their own id. */
const deeds: Readonly<Record<string, (data: Data) => string>> = {
  'subject.registered': ({ subjectId }) => `register ${subjectId}`,
  'consent.refused': ({ refusalId }) => `refuse ${refusalId}`,
  'consent.given': ({ consentId }) => `consent ${consentId}`,
  'consent.renewed': ({ consentId }) => `consent ${consentId}`,
  'consent.withdrawn': ({ consentId }) => `withdraw ${consentId}`,
  'template.enrolled': ({ templateId }) => `enrol ${templateId}`,
  'template.erasure-begun': ({ templateId }) => `erasure of ${templateId}`,
  'template.erased': ({ templateId }) => `end of ${templateId}`,
};

/** What may be refused, because a consent was over or is. */
const refusable: Readonly<Record<string, readonly string[]>> = {
  verify: ['matching.not-permitted', 'matching.no-template'],
  enrol: ['templates.not-permitted'],
  consent: ['consent.already-expired'],
};

/** A tenant's log, by what its facts are the doing of. */
class Deeds {
  readonly sequences = new Map<string, number[]>();
  readonly matches = new Map<string, StoredEvent[]>();
  readonly matchesOf = new Map<string, StoredEvent[]>();

  constructor(log: readonly StoredEvent[]) {
    for (const event of log) {
      const data = dataOf(event);
      const deed = deeds[event.type]?.(data);
      if (deed) push(this.sequences, deed, event.sequence);
      // That faces could not be compared is noted as often as it was so.
      if (event.type !== 'matching.decided' || data.decision === 'unavailable') continue;
      push(this.matches, data.matchId ?? '', event);
      push(this.matchesOf, data.subjectId ?? '', event);
    }
  }

  /** Where in the log an operation that was done stands. */
  placeOf({ kind, id, answer }: Operation): number | undefined {
    if (kind === 'verify') return this.matches.get(String(answer?.body.matchId))?.[0]?.sequence;
    return this.sequences.get(`${kind} ${id}`)?.[0];
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/**
 * Holds what callers saw of one tenant against its whole log, and answers all that does not agree; usually nothing. Pure.
 *
 * The log is the witness of linearizability: by itself it is a history in which every step is permitted (`LogAudit`), so it
 * is left to show that each acknowledged write stands in it once, that its order is that of real time wherever one
 * operation had ended before another began, and that no refusal speaks of a state that was over. An operation whose
 * outcome is unknown may have been done or not, but once at most.
 */
export function findingsIn(operations: readonly Operation[], log: readonly StoredEvent[]): Finding[] {
  const audit = new LogAudit();
  const audited = log
    .flatMap((event) => audit.add(event))
    .map(({ sequence, rule, what }): Finding => ({ rule: 'log', what: `${rule} at ${sequence}: ${what}` }));
  const done = new Deeds(log);
  const bySubject = new Map<string, Operation[]>();
  for (const operation of operations) push(bySubject, operation.subjectId, operation);
  return [
    ...audited,
    ...operations.flatMap((operation) => writeFindings(operation, done)),
    ...countFindings(operations, done),
    ...[...bySubject].flatMap(([subjectId, own]) => matchFindings(own, done.matchesOf.get(subjectId) ?? [])),
    ...[...bySubject.values()].flatMap(consentFindings),
    ...orderFindings(operations, done),
  ];
}

function writeFindings(operation: Operation, done: Deeds): Finding[] {
  const { kind, id, answer } = operation;
  const outcome = outcomeOf(operation);
  const what = `${kind} ${id}`;
  const findings: Finding[] = [];
  const place = done.placeOf(operation);
  if (outcome === 'done') {
    if (place === undefined) findings.push({ rule: 'lost', what });
    else if (place > (answer?.position ?? 0)) {
      findings.push({ rule: 'differs', what: `${what} stands at ${place}, and was told to by ${answer?.position}` });
    }
  } else if (outcome === 'refused') {
    if (kind !== 'verify' && place !== undefined) findings.push({ rule: 'refused-but-done', what });
    const code = operation.attempts.at(-1)?.problem ?? `${answer?.status}`;
    if (!refusable[kind]?.includes(code)) findings.push({ rule: 'unexpected', what: `${what}: ${code}` });
  }
  return findings;
}

/** Every deed of the log was asked for, and stands there once. */
function countFindings(operations: readonly Operation[], done: Deeds): Finding[] {
  const asked = new Set(operations.map(({ kind, id }) => `${kind} ${id}`));
  return [...done.sequences].flatMap(([deed, sequences]): Finding[] => {
    const isOurs = !deed.startsWith('erasure of') && !deed.startsWith('end of');
    return [
      ...(sequences.length > 1 ? [{ rule: 'doubled' as const, what: `${deed} at ${sequences.join(', ')}` }] : []),
      ...(isOurs && !asked.has(deed) ? [{ rule: 'unasked' as const, what: deed }] : []),
    ];
  });
}

/** What was answered of a comparison is what stands in the log, and no more comparisons stand there than were asked for. */
function matchFindings(own: readonly Operation[], matches: readonly StoredEvent[]): Finding[] {
  const findings: Finding[] = [];
  const counts = new Map<string, number>();
  for (const event of matches)
    counts.set(dataOf(event).matchId ?? '', (counts.get(dataOf(event).matchId ?? '') ?? 0) + 1);
  for (const [matchId, count] of counts) if (count > 1) findings.push({ rule: 'doubled', what: `match ${matchId}` });
  const byId = new Map(matches.map((event) => [dataOf(event).matchId, dataOf(event)]));
  const verifications = own.filter(({ kind }) => kind === 'verify');
  for (const { answer, id } of verifications.filter((each) => outcomeOf(each) === 'done')) {
    const recorded = byId.get(String(answer?.body.matchId));
    const { decision, consentId } = answer?.body ?? {};
    if (!recorded || (recorded.decision === decision && recorded.consentId === consentId)) continue;
    findings.push({
      rule: 'differs',
      what: `verify ${id}: ${String(decision)} was answered, ${recorded.decision} recorded`,
    });
  }
  const known = new Set(verifications.map(({ answer }) => answer?.body.matchId));
  const others = [...counts.keys()].filter((matchId) => !known.has(matchId)).length;
  const unknown = verifications.filter((each) => outcomeOf(each) === 'unknown').length;
  if (others > unknown) {
    findings.push({ rule: 'unasked', what: `${others} matches of ${own[0]?.subjectId}, where ${unknown} are unknown` });
  }
  return findings;
}

/** What callers saw of one patient's consent, by real time alone. */
function consentFindings(own: readonly Operation[]): Finding[] {
  const withdrawals = own.filter(({ kind }) => kind === 'withdraw');
  const enrolments = own.filter((each) => each.kind === 'enrol' && outcomeOf(each) === 'done');
  return own
    .filter(({ kind, answer }) => kind === 'verify' && answer)
    .flatMap((verification): Finding[] => {
      const { id, answer } = verification;
      if (answer?.status === 200) {
        if (answer.body.decision !== 'accept') return [];
        const over = withdrawals.filter((each) => each.id === answer.body.consentId && each.answer?.status === 200);
        const isLater = over.some((withdrawal) => answeredMs(withdrawal) < beganMs(verification));
        return isLater
          ? [{ rule: 'accept-after-withdrawal', what: `verify ${id} on ${String(answer.body.consentId)}` }]
          : [];
      }
      const standing = standingDuring(verification, own, withdrawals);
      if (!standing) return [];
      const isEnrolled = enrolments.some(
        (each) => beganMs(each) > answeredMs(standing) && answeredMs(each) < askedLastMs(verification),
      );
      const code = verification.attempts.at(-1)?.problem;
      const isStale = code === 'matching.not-permitted' || (code === 'matching.no-template' && isEnrolled);
      return isStale ? [{ rule: 'stale-refusal', what: `verify ${id}: ${code}, but ${standing.id} stands` }] : [];
    });
}

/** The consent that stood all the while this was asked last, for certain; undefined where none did or may not have. */
function standingDuring(
  asked: Operation,
  own: readonly Operation[],
  withdrawals: readonly Operation[],
): Operation | undefined {
  const consents = own.filter((each) => each.kind === 'consent' && answeredMs(each) < askedLastMs(asked));
  const last = consents.at(-1);
  if (!last || outcomeOf(last) !== 'done' || last.validUntil) return undefined;
  const mayBeOver = withdrawals.some((each) => each.id === last.id && beganMs(each) < answeredMs(asked));
  return mayBeOver ? undefined : last;
}

/** What had ended before something else began stands before it in the log. */
function orderFindings(operations: readonly Operation[], done: Deeds): Finding[] {
  const placed = operations
    .filter((operation) => outcomeOf(operation) === 'done')
    .flatMap((operation) => {
      const place = done.placeOf(operation);
      return place === undefined ? [] : [{ place, operation }];
    })
    .sort((a, b) => a.place - b.place);
  const findings: Finding[] = [];
  let latest: (typeof placed)[number] | undefined;
  for (const each of placed) {
    if (latest && answeredMs(each.operation) < beganMs(latest.operation)) {
      const what = `${each.operation.kind} ${each.operation.id} at ${each.place} had ended before ${latest.operation.kind} ${latest.operation.id} at ${latest.place} began`;
      findings.push({ rule: 'real-time', what });
    }
    if (!latest || beganMs(each.operation) > beganMs(latest.operation)) latest = each;
  }
  return findings;
}

/** Templates that had to be gone by `by`, ISO 8601, and are not: their consent was withdrawn in the log, or its time was over. */
export function unerasedIn(log: readonly StoredEvent[], by: string): Finding[] {
  return owedIn(log, by).map((templateId) => ({ rule: 'unerased', what: `template ${templateId}` }));
}

/** The ids of those templates. */
export function owedIn(log: readonly StoredEvent[], by: string): string[] {
  const consents = new Map<string, { validUntil: string; next?: string; withdrawnAt?: string }>();
  const templates = new Map<string, string>();
  for (const event of log) {
    const data = dataOf(event);
    const { consentId = '', templateId = '', validUntil = '', replaces } = data;
    if (event.type === 'consent.given' || event.type === 'consent.renewed') consents.set(consentId, { validUntil });
    if (replaces) Object.assign(consents.get(replaces) ?? {}, { next: consentId });
    if (event.type === 'consent.withdrawn') Object.assign(consents.get(consentId) ?? {}, { withdrawnAt: event.at });
    if (event.type === 'template.enrolled') templates.set(templateId, consentId);
    if (event.type === 'template.erased') templates.delete(templateId);
  }
  const endOf = (consentId: string): string => {
    const { validUntil = '', next, withdrawnAt } = consents.get(consentId) ?? {};
    return next ? endOf(next) : (withdrawnAt ?? new Date(validUntil).toISOString());
  };
  return [...templates].filter(([, consentId]) => endOf(consentId) <= by).map(([templateId]) => templateId);
}
