import { z } from 'zod';
import { ConsentId } from '#lib/consent/contract';
import {
  defineEvent,
  defineRefusals,
  defineStream,
  type EventOf,
  Instant,
  Label,
  Slug,
  SubjectId,
  Uuid,
} from '#lib/core';
import { Dimension, ModelIdentity, PurposeId, RetentionRule } from '#lib/policy/contract';

export const TemplateId = Uuid.brand<'TemplateId'>();
export type TemplateId = z.output<typeof TemplateId>;

/** What is known of a template besides the vector, which is in the vault and nowhere else (FMT-1). */
export const TemplateTerms = z.strictObject({
  templateId: TemplateId,
  subjectId: SubjectId,
  purposeId: PurposeId,
  /** The consent it was enrolled under. */
  consentId: ConsentId,
  /** Until when that consent was valid then. */
  consentValidUntil: Instant,
  /** Names its data key in the key table and its record in the vault. */
  keyId: z.string().min(1).max(100),
  model: ModelIdentity.extend({ dim: Dimension }),
  quality: z.number().min(0).max(1).optional(),
  capturedAt: Instant,
  deviceId: Slug.optional(),
  mode: z.literal('central'),
  /** The purpose's rule, as it was at enrolment. */
  retention: RetentionRule,
});
export type TemplateTerms = z.output<typeof TemplateTerms>;

const OfTemplate = z.strictObject({ templateId: TemplateId, subjectId: SubjectId, purposeId: PurposeId });

export const TemplateEnrolled = defineEvent({ type: 'template.enrolled', version: 1, data: TemplateTerms });

/** What set an erasure off (PIPL-3). */
export const ErasureTrigger = z.enum([
  'consent-withdrawn',
  'consent-expired',
  'max-days',
  'inactivity',
  'requested',
  'subject-erased',
]);
export type ErasureTrigger = z.output<typeof ErasureTrigger>;

/** The template is blocked for good: nothing matches it from here on. */
export const TemplateErasureBegun = defineEvent({
  type: 'template.erasure-begun',
  version: 1,
  data: OfTemplate.extend({ trigger: ErasureTrigger }),
});

/** What was done to a template in one store, or what a prober found there. */
export const ErasureStep = z.strictObject({
  step: z.enum(['destroy-key', 'delete-ciphertext', 'evict', 'scrub', 'probe']),
  store: Slug,
  outcome: z.enum(['done', 'absent', 'fenced']),
  /** More about it, such as the nodes that acknowledged. */
  detail: Label.optional(),
  /** When it was done; it is recorded at the end of the pass over all stores. */
  doneAt: Instant.optional(),
});
export type ErasureStep = z.output<typeof ErasureStep>;

export const TemplateErasureStepDone = defineEvent({
  type: 'template.erasure-step-done',
  version: 1,
  data: OfTemplate.extend(ErasureStep.shape),
});

/** Every store is clean, and a prober other than the eraser looked (P5). Older copies of the key end with `generation`. */
export const TemplateErased = defineEvent({
  type: 'template.erased',
  version: 1,
  data: OfTemplate.extend({ trigger: ErasureTrigger, generation: z.int().min(1).max(1_000_000_000) }),
});

export const refusals = defineRefusals('templates', {
  missing: ['missing', 'There is no such template'],
  'id-taken': ['conflict', 'The id belongs to another template'],
  erased: ['conflict', 'The template was erased: enrol under a new id'],
  'too-many': ['conflict', 'The subject has as many templates for this purpose as can be'],
  'not-permitted': ['forbidden', 'Nothing may be enrolled for this subject and purpose now'],
  'wrong-model': ['invalid', "The embedding is not of the model of the purpose's threshold card"],
  'bad-embedding': ['invalid', 'The embedding cannot be used'],
  'not-erased': ['missing', 'The template is not erased, so there is no certificate'],
});

export interface DoneStep extends Omit<ErasureStep, 'doneAt'> {
  readonly at: string;
}

export interface Template {
  readonly terms: TemplateTerms;
  readonly state: 'active' | 'erasing' | 'erased';
  readonly enrolledAt: string;
  readonly trigger?: ErasureTrigger;
  readonly blockedAt?: string;
  readonly steps: readonly DoneStep[];
  readonly erasedAt?: string;
  readonly generation?: number;
}

type TemplateEvent =
  | EventOf<typeof TemplateEnrolled>
  | EventOf<typeof TemplateErasureBegun>
  | EventOf<typeof TemplateErasureStepDone>
  | EventOf<typeof TemplateErased>;

const amend = (templates: readonly Template[], id: TemplateId, change: (template: Template) => Template) =>
  templates.map((template) => (template.terms.templateId === id ? change(template) : template));

/** Names the stream: who compares a face has one place to read, and one to guard. */
export const templateKey = ({ subjectId, purposeId }: { readonly subjectId: string; readonly purposeId: string }) =>
  `${subjectId}-${purposeId}`;

/** All templates of one subject for one purpose, from enrolment to the last step of erasure. */
export const TemplateStream = defineStream({
  name: 'template',
  events: [TemplateEnrolled, TemplateErasureBegun, TemplateErasureStepDone, TemplateErased],
  initial: [] as readonly Template[],
  evolve: (templates, { type, data }: TemplateEvent, at): readonly Template[] => {
    switch (type) {
      case 'template.enrolled':
        return [...templates, { terms: data, state: 'active', enrolledAt: at, steps: [] }];
      case 'template.erasure-begun':
        return amend(templates, data.templateId, (template) => ({
          ...template,
          state: 'erasing',
          trigger: data.trigger,
          blockedAt: at,
        }));
      case 'template.erasure-step-done': {
        const { templateId, subjectId: _subject, purposeId: _purpose, doneAt = at, ...step } = data;
        return amend(templates, templateId, (template) => ({
          ...template,
          steps: [...template.steps, { ...step, at: doneAt }],
        }));
      }
      case 'template.erased':
        return amend(templates, data.templateId, (template) => ({
          ...template,
          state: 'erased',
          erasedAt: at,
          generation: data.generation,
        }));
    }
  },
});

export function templateIn(templates: readonly Template[], templateId: TemplateId): Template {
  const template = templates.find(({ terms }) => terms.templateId === templateId);
  if (!template) throw refusals.missing();
  return template;
}
