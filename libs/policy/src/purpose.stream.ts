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

/**
 * The bounds of finding a person among all who are enrolled, 1:N (PERF-2). `galleryMax`: so many templates at most.
 * `fpirMax`: how often somebody who is not enrolled may be taken for one who is, at most; NIST SP 800-63A-4 asks for one in a
 * thousand. `searchesPerMinuteMax`: of the purpose, whoever searches, so that nobody goes through a crowd unseen.
 */
export const IdentificationRule = z.strictObject({
  galleryMax: z.int().min(1).max(1_000_000),
  fpirMax: z.number().gt(0).max(0.001),
  searchesPerMinuteMax: z.int().min(1).max(60_000),
});
export type IdentificationRule = z.output<typeof IdentificationRule>;

/** A purpose compares faces with the one who is claimed, or finds who it is: never both, as these are two consents (FRT-1). */
const Operations = z.union([z.tuple([z.literal('verify')]), z.tuple([z.literal('identify')])]);

/** A closed, stated reason to compare faces, and its bounds (FRT-2). It never changes: another reason is another purpose. */
export const PurposeTerms = z
  .strictObject({
    title: Text,
    operations: Operations,
    /** Of a purpose that identifies, and of no other. */
    identification: IdentificationRule.optional(),
    legalBasis: z.literal('consent'),
    necessity: z.strictObject({ statement: Text, lessIntrusive: Text }),
    noticeId: NoticeId,
    retention: RetentionRule,
    /** A consent may not be valid for longer. */
    consentMaxDays: z.int().min(1).max(3_650),
    modes: z.tuple([z.literal('central')]),
    thresholdCardId: ThresholdCardId,
  })
  .refine(({ operations, identification }) => (operations[0] === 'identify') === (identification !== undefined), {
    path: ['identification'],
    params: { code: 'of-identify-alone' },
  });
export type PurposeTerms = z.output<typeof PurposeTerms>;

const OfPurpose = z.strictObject({ purposeId: PurposeId });

/** Version 2 knows purposes that identify; what version 1 says it says too. */
export const PurposeDefined = defineEvent({
  type: 'policy.purpose-defined',
  version: 2,
  data: OfPurpose.extend({ terms: PurposeTerms }),
  upcast: { 1: (older: unknown) => older },
});

/** An approved assessment covers the purpose until a day. */
export const PurposeAssessed = defineEvent({
  type: 'policy.purpose-assessed',
  version: 1,
  data: OfPurpose.extend({ assessmentId: AssessmentId, validUntil: Instant }),
});

/**
 * From now on comparisons are judged by another threshold card (PERF-1). What was assessed are other error rates, so no
 * assessment from before covers the purpose any more (FRT-11).
 */
export const ThresholdCardChanged = defineEvent({
  type: 'policy.threshold-card-changed',
  version: 1,
  data: OfPurpose.extend({ thresholdCardId: ThresholdCardId, previousThresholdCardId: ThresholdCardId }),
});

export const PurposeActivated = defineEvent({ type: 'policy.purpose-activated', version: 1, data: OfPurpose });

export const PurposeSuspended = defineEvent({ type: 'policy.purpose-suspended', version: 1, data: OfPurpose });

/** Which key of its rotation galleries of a purpose are made under: the first is 1. */
export const RotationVersion = z.int().min(1).max(1_000_000);

/** From here on galleries of the purpose are made under another key of its rotation, the `version`th (BTP-4). */
export const RotationRenewed = defineEvent({
  type: 'policy.rotation-renewed',
  version: 1,
  data: OfPurpose.extend({ version: RotationVersion }),
});

export const refusals = defineRefusals('policy', {
  'purpose-missing': ['missing', 'There is no such purpose'],
  'purpose-exists': ['conflict', 'The purpose is defined on other terms'],
  'other-model': ['invalid', 'The threshold card is of another model than the purpose: that is another purpose'],
  'not-assessed': ['forbidden', 'No approved and current assessment covers the purpose'],
  'dimension-too-small': ['invalid', 'Embeddings of so few coordinates are not searched'],
  'over-fpir-budget': ['forbidden', 'In a gallery of that size too many who are not in it would be found'],
  'not-identifying': ['conflict', 'The purpose does not identify, so it has no gallery'],
  'not-next-rotation': ['conflict', 'Keys of a rotation follow each other: another one is next'],
  'no-alternative': ['forbidden', 'No checkpoint of the purpose has an enabled method other than a biometric one'],
});

export interface Purpose {
  readonly status: 'none' | 'defined' | 'active' | 'suspended';
  /** As they are: their threshold card is the current one. */
  readonly terms: PurposeTerms | undefined;
  /** As they were sent, to know a repeat by. */
  readonly defined: PurposeTerms | undefined;
  /** Approved assessments that cover it, with the instants they lapse at. */
  readonly assessments: readonly { readonly assessmentId: AssessmentId; readonly validUntil: string }[];
  readonly rotationVersion: number;
  /** Those that covered it until its threshold card was changed: they never do again. */
  readonly superseded: readonly AssessmentId[];
}

type PurposeEvent =
  | EventOf<typeof PurposeDefined>
  | EventOf<typeof PurposeAssessed>
  | EventOf<typeof ThresholdCardChanged>
  | EventOf<typeof PurposeActivated>
  | EventOf<typeof PurposeSuspended>
  | EventOf<typeof RotationRenewed>;

export const PurposeStream = defineStream({
  name: 'purpose',
  events: [PurposeDefined, PurposeAssessed, ThresholdCardChanged, PurposeActivated, PurposeSuspended, RotationRenewed],
  initial: {
    status: 'none',
    terms: undefined,
    defined: undefined,
    assessments: [],
    superseded: [],
    rotationVersion: 1,
  } as Purpose,
  evolve: (purpose, { type, data }: PurposeEvent): Purpose => {
    switch (type) {
      case 'policy.purpose-defined':
        return { ...purpose, status: 'defined', terms: data.terms, defined: data.terms };
      case 'policy.purpose-assessed': {
        const { assessmentId, validUntil } = data;
        return { ...purpose, assessments: [...purpose.assessments, { assessmentId, validUntil }] };
      }
      case 'policy.threshold-card-changed': {
        if (!purpose.terms) throw new Error('a purpose got another threshold card that nobody defined');
        const superseded = [...purpose.superseded, ...purpose.assessments.map(({ assessmentId }) => assessmentId)];
        const terms = { ...purpose.terms, thresholdCardId: data.thresholdCardId };
        return { ...purpose, terms, assessments: [], superseded };
      }
      case 'policy.purpose-activated':
        return { ...purpose, status: 'active' };
      case 'policy.purpose-suspended':
        return { ...purpose, status: 'suspended' };
      case 'policy.rotation-renewed':
        return { ...purpose, rotationVersion: data.version };
    }
  },
});

/** Whether an approved assessment covers the purpose at this instant (FRT-11). */
export const isAssessed = ({ assessments }: Purpose, now: Date): boolean =>
  assessments.some(({ validUntil }) => new Date(validUntil) > now);
