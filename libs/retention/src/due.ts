import { z } from 'zod';
import type { ConsentId, Consents } from '#lib/consent/contract';
import type { RetentionRule } from '#lib/policy/contract';

const dayMs = 86_400_000;

/** Which rule ends the keeping of a template (FRT-10). */
export const DueRule = z.enum(['max-days', 'inactivity', 'consent-validity']);
export type DueRule = z.output<typeof DueRule>;

export interface Due {
  /** ISO 8601 in UTC, with milliseconds: comparable as text. */
  readonly dueAt: string;
  readonly rule: DueRule;
}

/** What the due date of a template depends on: instants in ISO 8601, UTC. */
export interface Keeping {
  readonly enrolledAt: string;
  readonly retention: RetentionRule;
  /** Until when the consent holds that the template is kept under, or the one that took its place. */
  readonly consentValidUntil: string;
  /** When a comparison for this subject and purpose last accepted. */
  readonly lastAcceptedAt?: string | undefined;
}

/**
 * When a template must go, and by which rule: the earliest wins, of equal ones the one named first in `DueRule`.
 *
 * A day is 24 hours. `maxDays` are counted from enrolment. Inactivity is counted from enrolment too, or from the
 * beginning of the day (UTC) of the last accept, if that is later: so it never keeps a template longer than the rule says,
 * and a due date moves once a day however often a face is used.
 */
export function dueOf({ enrolledAt, retention, consentValidUntil, lastAcceptedAt }: Keeping): Due {
  const enrolledMs = Date.parse(enrolledAt);
  const usedMs = Math.max(enrolledMs, lastAcceptedAt ? Date.parse(dayOf(lastAcceptedAt)) : enrolledMs);
  const { maxDays, inactivityDays } = retention;
  const candidates: { readonly rule: DueRule; readonly atMs: number }[] = [
    { rule: 'max-days', atMs: enrolledMs + maxDays * dayMs },
    ...(inactivityDays ? [{ rule: 'inactivity' as const, atMs: usedMs + inactivityDays * dayMs }] : []),
    { rule: 'consent-validity', atMs: Date.parse(consentValidUntil) },
  ];
  const { rule, atMs } = candidates.reduce((first, each) => (each.atMs < first.atMs ? each : first));
  return { dueAt: new Date(atMs).toISOString(), rule };
}

/** The day of an instant, in UTC. */
export const dayOf = (at: string): string => new Date(at).toISOString().slice(0, 10);

/** When what was done under a consent ends: with it, or with the last of those that took its place one after another. */
export function consentEndOf({ consents }: Consents, consentId: ConsentId): string {
  let consent = consents.find((each) => each.consentId === consentId);
  while (consent?.replacedBy) {
    const { replacedBy } = consent;
    consent = consents.find((each) => each.consentId === replacedBy);
  }
  if (!consent) throw new Error('a template stands on a consent that was never given');
  const { terms, withdrawnAt, expiredAt } = consent;
  const ends = [terms.validUntil, withdrawnAt, expiredAt].flatMap((end) => (end ? [Date.parse(end)] : []));
  return new Date(Math.min(...ends)).toISOString();
}
