import { z } from 'zod';
import { defineEvent, defineRefusals, defineStream, type EventOf, Instant, Slug, Text } from '#lib/core';
import { NoticeId } from './notice.stream.js';
import { ThresholdCardId } from './threshold-card.stream.js';

export const PurposeId = Slug.brand<'PurposeId'>();
export type PurposeId = z.output<typeof PurposeId>;

export const AssessmentId = Slug.brand<'AssessmentId'>();
export type AssessmentId = z.output<typeof AssessmentId>;

/** How long a template may be kept, whatever else: from enrolment, and from the last accepting match (FRT-10). */
export const RetentionRule = z.strictObject({
  maxDays: z.int().min(1).max(3_650),
  inactivityDays: z.int().min(1).max(3_650).optional(),
});
export type RetentionRule = z.output<typeof RetentionRule>;

/** A closed, stated reason to compare faces, and its bounds (FRT-2). It never changes: another reason is another purpose. */
export const PurposeTerms = z.strictObject({
  title: Text,
  operations: z.tuple([z.literal('verify')]),
  legalBasis: z.literal('consent'),
  necessity: z.strictObject({ statement: Text, lessIntrusive: Text }),
  noticeId: NoticeId,
  retention: RetentionRule,
  /** A consent may not be valid for longer. */
  consentMaxDays: z.int().min(1).max(3_650),
  modes: z.tuple([z.literal('central')]),
  thresholdCardId: ThresholdCardId,
});
export type PurposeTerms = z.output<typeof PurposeTerms>;

const OfPurpose = z.strictObject({ purposeId: PurposeId });

export const PurposeDefined = defineEvent({
  type: 'policy.purpose-defined',
  version: 1,
  data: OfPurpose.extend({ terms: PurposeTerms }),
});

/** An approved assessment covers the purpose until a day. */
export const PurposeAssessed = defineEvent({
  type: 'policy.purpose-assessed',
  version: 1,
  data: OfPurpose.extend({ assessmentId: AssessmentId, validUntil: Instant }),
});

export const PurposeActivated = defineEvent({ type: 'policy.purpose-activated', version: 1, data: OfPurpose });

export const PurposeSuspended = defineEvent({ type: 'policy.purpose-suspended', version: 1, data: OfPurpose });

export const refusals = defineRefusals('policy', {
  'purpose-missing': ['missing', 'There is no such purpose'],
  'purpose-exists': ['conflict', 'The purpose is defined on other terms'],
  'not-assessed': ['forbidden', 'No approved and current assessment covers the purpose'],
  'no-alternative': ['forbidden', 'No checkpoint of the purpose has an enabled method other than a biometric one'],
});

export interface Purpose {
  readonly status: 'none' | 'defined' | 'active' | 'suspended';
  readonly terms: PurposeTerms | undefined;
  /** Approved assessments that cover it, with the instants they lapse at. */
  readonly assessments: readonly { readonly assessmentId: AssessmentId; readonly validUntil: string }[];
}

type PurposeEvent =
  | EventOf<typeof PurposeDefined>
  | EventOf<typeof PurposeAssessed>
  | EventOf<typeof PurposeActivated>
  | EventOf<typeof PurposeSuspended>;

export const PurposeStream = defineStream({
  name: 'purpose',
  events: [PurposeDefined, PurposeAssessed, PurposeActivated, PurposeSuspended],
  initial: { status: 'none', terms: undefined, assessments: [] } as Purpose,
  evolve: (purpose, { type, data }: PurposeEvent): Purpose => {
    switch (type) {
      case 'policy.purpose-defined':
        return { ...purpose, status: 'defined', terms: data.terms };
      case 'policy.purpose-assessed': {
        const { assessmentId, validUntil } = data;
        return { ...purpose, assessments: [...purpose.assessments, { assessmentId, validUntil }] };
      }
      case 'policy.purpose-activated':
        return { ...purpose, status: 'active' };
      case 'policy.purpose-suspended':
        return { ...purpose, status: 'suspended' };
    }
  },
});

/** Whether an approved assessment covers the purpose at this instant (FRT-11). */
export const isAssessed = ({ assessments }: Purpose, now: Date): boolean =>
  assessments.some(({ validUntil }) => new Date(validUntil) > now);
