import { z } from 'zod';
import { ActorId, defineEvent, defineRefusals, defineStream, type EventOf, Instant, Text } from '#lib/core';
import { AssessmentId, type Purpose, PurposeId } from './purpose.stream.js';
import { ThresholdCardId } from './threshold-card.stream.js';

/** An impact assessment before processing, under the four heads of the law (FRT-11; PIPL 55-56, GDPR 35). */
export const AssessmentTerms = z.strictObject({
  lawfulness: Text,
  rightsImpact: Text,
  risks: Text,
  measures: Text,
  purposes: z.array(PurposeId).min(1).max(50),
  validUntil: Instant,
});
export type AssessmentTerms = z.output<typeof AssessmentTerms>;

/** The threshold card that each purpose compared by when it was drafted: the error rates that were assessed (PERF-1). */
export const AssessedCards = z
  .array(z.strictObject({ purposeId: PurposeId, thresholdCardId: ThresholdCardId }))
  .max(50);
export type AssessedCards = z.output<typeof AssessedCards>;

export const AssessmentDrafted = defineEvent({
  type: 'policy.assessment-drafted',
  version: 2,
  data: z.strictObject({
    assessmentId: AssessmentId,
    author: ActorId,
    terms: AssessmentTerms,
    cards: AssessedCards,
  }),
  // Of version 1 it is the card that the purpose was defined on: before version 2, none could have another.
  upcast: { 1: (v1: object) => ({ ...v1, cards: [] }) },
});

export const AssessmentApproved = defineEvent({
  type: 'policy.assessment-approved',
  version: 1,
  data: z.strictObject({ assessmentId: AssessmentId, approver: ActorId }),
});

export const refusals = defineRefusals('policy', {
  'assessment-missing': ['missing', 'There is no such assessment'],
  'assessment-exists': ['conflict', 'The assessment was drafted with another text'],
  'assessment-lapsed': ['invalid', 'The assessment would be over before it begins'],
  'assessment-outdated': ['conflict', 'The threshold card of a purpose was changed after the assessment was drafted'],
  'own-assessment': ['forbidden', 'An assessment is approved by someone other than its author'],
});

export interface Draft {
  readonly terms: AssessmentTerms;
  readonly cards: AssessedCards;
  readonly author: ActorId;
}

export type Assessment =
  | { readonly status: 'none' }
  | (Draft & { readonly status: 'drafted' })
  | (Draft & { readonly status: 'approved'; readonly approver: ActorId; readonly approvedAt: string });

export const AssessmentStream = defineStream({
  name: 'assessment',
  events: [AssessmentDrafted, AssessmentApproved],
  initial: { status: 'none' } as Assessment,
  evolve: (before, event: EventOf<typeof AssessmentDrafted> | EventOf<typeof AssessmentApproved>, at): Assessment => {
    switch (event.type) {
      case 'policy.assessment-drafted': {
        const { terms, cards, author } = event.data;
        return { status: 'drafted', terms, cards, author };
      }
      case 'policy.assessment-approved':
        if (before.status === 'none') throw new Error('an assessment was approved that nobody drafted');
        return { ...before, status: 'approved', approver: event.data.approver, approvedAt: at };
    }
  },
});

/** Whether a draft speaks of a purpose as it is: by the threshold card it has now (FRT-11). */
export const isWrittenFor = ({ cards }: Draft, purposeId: PurposeId, { terms, defined }: Purpose): boolean => {
  const assessed = cards.find((each) => each.purposeId === purposeId)?.thresholdCardId ?? defined?.thresholdCardId;
  return assessed === terms?.thresholdCardId;
};
