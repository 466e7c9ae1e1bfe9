import { z } from 'zod';
import { defineEvent, defineStream, type EventOf, SubjectId } from '#lib/core';
import { PurposeId } from '#lib/policy/contract';
import { TemplateId } from './template.stream.js';

const TemplateOwner = z.strictObject({ subjectId: SubjectId, purposeId: PurposeId });
export type TemplateOwner = z.output<typeof TemplateOwner>;

export const TemplateIdClaimed = defineEvent({
  type: 'template.id-claimed',
  version: 1,
  data: TemplateOwner.extend({ templateId: TemplateId }),
});

/** Whose template an id names, for ever: templates are kept by subject and purpose (decision 2). */
export const TemplateIdStream = defineStream({
  name: 'template-id',
  events: [TemplateIdClaimed],
  initial: undefined as TemplateOwner | undefined,
  evolve: (_, { data: { templateId: _id, ...owner } }: EventOf<typeof TemplateIdClaimed>): TemplateOwner | undefined =>
    owner,
});
