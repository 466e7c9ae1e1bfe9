import { type Consent, continues, type Grounds, permissionOn } from '#lib/consent/contract';
import type { EventOf } from '#lib/core';
import { purposeRefusals, type ThresholdCardTerms } from '#lib/policy/contract';
import { subjectRefusals } from '#lib/subjects/contract';
import { refusals, type Template, TemplateEnrolled, type TemplateTerms } from './template.stream.js';

/** A claimed subject has few faces for one purpose: more are a mistake, and each would be compared on every match. */
export const activeMax = 10;

/** What a caller says of a template to be enrolled; what they leave out is not there. */
export type Enrolment = Omit<TemplateTerms, 'consentId' | 'consentValidUntil' | 'keyId' | 'retention' | 'model'> & {
  readonly model: { readonly id: string; readonly version: string };
};

/** What an enrolment is decided on besides the templates there are. */
export interface EnrolmentGrounds extends Grounds {
  readonly card: ThresholdCardTerms;
  /** What the patient may do instead, said with a refusal. */
  readonly alternatives: readonly string[];
}

/** The consent a template may be enrolled under now (P1). Throws the refusal of whatever is missing, in a fixed order. */
export function consentToEnrol(grounds: EnrolmentGrounds, { model }: Enrolment, now: Date): Consent {
  const { subject, purpose, card, alternatives } = grounds;
  if (subject.status !== 'registered') throw subjectRefusals.missing();
  if (!purpose.terms) throw purposeRefusals['purpose-missing']();
  const permission = permissionOn(grounds, now);
  if (!permission.permitted) throw refusals['not-permitted']({ reason: permission.reason, alternatives });
  if (model.id !== card.model.id || model.version !== card.model.version) {
    throw refusals['wrong-model']({ errors: [{ path: 'model', code: 'wrong-model' }] });
  }
  return permission.consent;
}

/** A repeat records nothing; whether the vector is the same too is for the vault to say. An erased id stays erased. */
export function enrolTemplate(
  templates: readonly Template[],
  grounds: EnrolmentGrounds,
  enrolment: Enrolment,
  keyId: string,
  now: Date,
): EventOf<typeof TemplateEnrolled>[] {
  const consent = consentToEnrol(grounds, enrolment, now);
  const known = templates.find(({ terms }) => terms.templateId === enrolment.templateId);
  const isKept = known?.state === 'active' && continues(grounds.consents, known.terms.consentId, consent);
  if (known && !isKept) throw refusals.erased();
  if (known && !isSame(known.terms, enrolment)) throw refusals['id-taken']();
  if (known) return [];
  if (templates.filter(({ state }) => state === 'active').length >= activeMax) throw refusals['too-many']();
  return [TemplateEnrolled(termsOf(grounds, consent, enrolment, keyId))];
}

/** What is recorded of a template, given the consent it is enrolled under. */
export function termsOf(
  { purpose, card }: EnrolmentGrounds,
  { consentId, terms }: Consent,
  enrolment: Enrolment,
  keyId: string,
): TemplateTerms {
  if (!purpose.terms) throw purposeRefusals['purpose-missing']();
  const { retention } = purpose.terms;
  return { ...enrolment, model: card.model, consentId, consentValidUntil: terms.validUntil, keyId, retention };
}

const isSame = (terms: TemplateTerms, { model, ...enrolment }: Enrolment) =>
  terms.model.id === model.id &&
  terms.model.version === model.version &&
  terms.subjectId === enrolment.subjectId &&
  terms.purposeId === enrolment.purposeId &&
  terms.quality === enrolment.quality &&
  terms.capturedAt === enrolment.capturedAt &&
  terms.deviceId === enrolment.deviceId &&
  terms.mode === enrolment.mode;
