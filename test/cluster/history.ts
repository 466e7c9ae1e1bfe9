/** What a caller can do to a patient's record. */
export type Kind = 'register' | 'refuse' | 'consent' | 'enrol' | 'verify' | 'withdraw';

/** One try of an operation at one server, by a clock that only goes forward. */
export interface Attempt {
  readonly server: number;
  readonly beganMs: number;
  endedMs: number;
  /** None where no answer came: then nobody knows what it did. */
  status?: number;
  /** The problem that was answered: `matching.unavailable`, say. */
  problem?: string;
  /** Whether a problem named other methods. */
  hasAlternatives?: boolean;
}

/** What an operation was answered in the end. */
export interface Answer {
  readonly status: number;
  /** The log position it told. */
  readonly position: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What one caller wanted done once, however often it was sent. */
export interface Operation {
  readonly kind: Kind;
  readonly subjectId: string;
  /** Names what it makes or ends: the subject, consent, refusal, template; for a comparison, the attempt. */
  readonly id: string;
  readonly attempts: Attempt[];
  /** From when on what it made is due to go; ISO 8601. */
  readonly validUntil?: string | undefined;
  answer?: Answer;
}

export type Outcome = 'done' | 'refused' | 'unknown';

/** Answers that say nothing of what was done: the caller sends the same again. */
const isUndecided = ({ status, problem }: Attempt): boolean =>
  status === undefined || status >= 500 || status === 429 || problem === 'idempotency.in-use';

/** Whether the answer that came lets a caller stop asking. */
export const isDefinite = (attempt: Attempt): boolean => !isUndecided(attempt);

/** `refused` only where no try can have done it: one whose answer was lost may have, whatever a later one was told. */
export function outcomeOf({ answer, attempts }: Operation): Outcome {
  if (!answer) return 'unknown';
  if (answer.status < 300) return 'done';
  return attempts.every(isDefinite) ? 'refused' : 'unknown';
}

export const beganMs = ({ attempts }: Operation): number => attempts[0]?.beganMs ?? Number.POSITIVE_INFINITY;

/** When it was answered; never, where it was not. */
export const answeredMs = ({ answer, attempts }: Operation): number =>
  answer ? (attempts.at(-1)?.endedMs ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;

/** When its last try began: what a refusal says was so at some instant after that. */
export const askedLastMs = ({ attempts }: Operation): number => attempts.at(-1)?.beganMs ?? Number.POSITIVE_INFINITY;

/** How the answers of some time came: how long the slowest took, and which were none of those that are documented. */
export interface Answers {
  readonly count: number;
  readonly worstMs: number;
  readonly late: readonly Attempt[];
  readonly undocumented: readonly string[];
  /** Comparisons that were unavailable, and did not say what else would do. */
  readonly withoutAlternatives: number;
}

/** What may be answered while something is down, besides what is answered at any time: that it is not possible for now. */
const unavailable = ['http.unavailable', 'matching.unavailable'];

/**
 * Looks at the tries that began from `fromMs` until `toMs`. One that found no server is no answer; one that a server took
 * and did not answer is late. `limitMs` bounds those of `kinds`.
 */
export function answersOf(
  operations: readonly Operation[],
  { fromMs, toMs, limitMs }: { readonly fromMs: number; readonly toMs: number; readonly limitMs: number },
): Answers {
  const late: Attempt[] = [];
  const undocumented = new Set<string>();
  let [count, worstMs, withoutAlternatives] = [0, 0, 0];
  for (const { kind, attempts } of operations) {
    for (const attempt of attempts) {
      if (attempt.beganMs < fromMs || attempt.beganMs >= toMs) continue;
      const { status, problem = 'none', hasAlternatives } = attempt;
      const tookMs = attempt.endedMs - attempt.beganMs;
      if (status === undefined && tookMs < limitMs) continue;
      count += 1;
      worstMs = Math.max(worstMs, tookMs);
      if (tookMs > limitMs) late.push(attempt);
      if (status !== undefined && status >= 500 && !unavailable.includes(problem)) {
        undocumented.add(`${kind}: ${status} ${problem}`);
      }
      if (kind === 'verify' && status === 503 && !hasAlternatives) withoutAlternatives += 1;
    }
  }
  return { count, worstMs, late, undocumented: [...undocumented], withoutAlternatives };
}
