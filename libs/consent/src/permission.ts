import { isAssessed, type Notice, noticeStands, type Purpose } from '#lib/policy/contract';
import type { Subject } from '#lib/subjects/contract';
import { type Consent, type Consents, standing, stateAt } from './consent.stream.js';

/** Why nothing may be processed. Shown to callers, and to nobody else. */
export type PermissionReason =
  | 'purpose-not-active'
  | 'assessment-lapsed'
  | 'no-consent'
  | 'consent-refused'
  | 'consent-withdrawn'
  | 'consent-expired'
  | 'notice-superseded';

export type Permission =
  | { readonly permitted: true; readonly consent: Consent }
  | { readonly permitted: false; readonly reason: PermissionReason };

/** What a permission is decided on: the four streams a guarded append must find unmoved. */
export interface Grounds {
  readonly subject: Subject;
  readonly purpose: Purpose;
  readonly notice: Notice;
  readonly consents: Consents;
}

const no = (reason: PermissionReason): Permission => ({ permitted: false, reason });

/**
 * P1, whole and pure: whether a face may be processed for a purpose at this instant. A valid, separate consent stands,
 * given under a notice that no material version has superseded, and the purpose is active and assessed (FRT-2, FRT-6).
 */
export function permissionOn({ subject, purpose, notice, consents }: Grounds, now: Date): Permission {
  const hindrance = purposeHindrance(purpose, now);
  if (hindrance) return no(hindrance);
  if (subject.status !== 'registered') return no('no-consent');
  const consent = standing(consents, now);
  if (!consent) return no(reasonOf(consents, now));
  return noticeStands(notice, consent.terms.noticeVersion) ? { permitted: true, consent } : no('notice-superseded');
}

/** Why a purpose permits nothing now, whoever it is about; undefined where it may permit. */
export function purposeHindrance(purpose: Purpose, now: Date): PermissionReason | undefined {
  if (purpose.status !== 'active') return 'purpose-not-active';
  return isAssessed(purpose, now) ? undefined : 'assessment-lapsed';
}

function reasonOf({ consents, refusals }: Consents, now: Date): PermissionReason {
  const last = consents.at(-1);
  const refusal = refusals.at(-1);
  if (refusal && (!last || last.givenAt < refusal.refusedAt)) return 'consent-refused';
  if (!last) return 'no-consent';
  return stateAt(last, now) === 'withdrawn' ? 'consent-withdrawn' : 'consent-expired';
}
