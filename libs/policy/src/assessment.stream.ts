import { z } from 'zod';
import { ActorId, defineEvent, defineRefusals, defineStream, type EventOf, Instant, Text } from '#lib/core';
import { AssessmentId, PurposeId } from './purpose.stream.js';

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

export const AssessmentDrafted = defineEvent({
  type: 'policy.assessment-drafted',
  version: 1,
  data: z.strictObject({ assessmentId: AssessmentId, author: ActorId, terms: AssessmentTerms }),
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
  'own-assessment': ['forbidden', 'An assessment is approved by someone other than its author'],
});

export type Assessment =
  | { readonly status: 'none' }
  | { readonly status: 'drafted'; readonly terms: AssessmentTerms; readonly author: ActorId }
  | {
      readonly status: 'approved';
      readonly terms: AssessmentTerms;
      readonly author: ActorId;
      readonly approver: ActorId;
      readonly approvedAt: string;
    };

export const AssessmentStream = defineStream({
  name: 'assessment',
  events: [AssessmentDrafted, AssessmentApproved],
  initial: { status: 'none' } as Assessment,
  evolve: (before, event: EventOf<typeof AssessmentDrafted> | EventOf<typeof AssessmentApproved>, at): Assessment => {
    switch (event.type) {
      case 'policy.assessment-drafted':
        return { status: 'drafted', terms: event.data.terms, author: event.data.author };
      case 'policy.assessment-approved':
        if (before.status === 'none') throw new Error('an assessment was approved that nobody drafted');
        return { ...before, status: 'approved', approver: event.data.approver, approvedAt: at };
    }
  },
});
