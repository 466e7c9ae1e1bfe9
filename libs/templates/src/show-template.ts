import { Controller, Get, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { ConsentId } from '#lib/consent/contract';
import { type Caller, Instant, Slug, SubjectId } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { PurposeId } from '#lib/policy/contract';
import { Streams } from '#lib/ports';
import { type Due, DueDates, DueRule } from '#lib/retention/contract';
import {
  refusals,
  type Template,
  TemplateId,
  TemplateStream,
  TemplateTerms,
  templateIn,
  templateKey,
} from './template.stream.js';
import { TemplateIdStream } from './template-id.stream.js';

export const TemplateParams = z.object({ templateId: TemplateId });
export type TemplateParams = z.output<typeof TemplateParams>;

/** A template as callers see it: everything but the vector. While it is kept, when it must go and by which rule. */
export const TemplateShown = z
  .object({
    templateId: TemplateId,
    subjectId: SubjectId,
    purposeId: PurposeId,
    consentId: ConsentId,
    model: TemplateTerms.shape.model,
    mode: TemplateTerms.shape.mode,
    state: z.enum(['active', 'restricted', 'erasing', 'erased']),
    enrolledAt: Instant,
    quality: TemplateTerms.shape.quality,
    capturedAt: Instant,
    deviceId: Slug.optional(),
    dueAt: Instant.optional(),
    dueRule: DueRule.optional(),
  })
  .meta({ id: 'Template' });
export type TemplateShown = z.output<typeof TemplateShown>;

export const showTemplate = ({ terms, state, enrolledAt }: Template, due: Due | undefined): TemplateShown => {
  const { keyId: _key, retention: _rule, consentValidUntil: _until, ...metadata } = terms;
  return { ...metadata, state, enrolledAt, ...(due && { dueAt: due.dueAt, dueRule: due.rule }) };
};

export class ShowTemplate extends Query<TemplateShown> {
  constructor(
    readonly caller: Caller,
    readonly templateId: TemplateId,
  ) {
    super();
  }
}

/** Reads the streams, not a view: what a write answered is never missing here. */
@QueryHandler(ShowTemplate)
export class ShowTemplateHandler implements IQueryHandler<ShowTemplate> {
  constructor(
    private readonly streams: Streams,
    private readonly dueDates: DueDates,
  ) {}

  async execute({ caller: { tenant }, templateId }: ShowTemplate) {
    const { state: owner } = await this.streams.load(tenant, TemplateIdStream, templateId);
    if (!owner) throw refusals.missing();
    const { state: templates } = await this.streams.load(tenant, TemplateStream, templateKey(owner));
    const template = templateIn(templates, templateId);
    const due = await this.dueDates.of(tenant, [template]);
    return showTemplate(template, due.get(templateId));
  }
}

@Controller('v1/templates/:templateId')
export class ShowTemplateRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('backend', 'device', 'registrar', 'dpo', 'auditor')
  @Reads(TemplateShown)
  show(@FromCaller() caller: Caller, @Param({ schema: TemplateParams }) { templateId }: TemplateParams) {
    return this.queries.execute(new ShowTemplate(caller, templateId));
  }
}
