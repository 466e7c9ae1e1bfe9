import { Body, Controller, Param, Put } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, Instant, Slug, SubjectId } from '#lib/core';
import { AllowedTo, EmbeddingIn, FromCaller, Invalid, Writes } from '#lib/http';
import { ModelIdentity, PurposeId } from '#lib/policy/contract';
import { Clock } from '#lib/ports';
import { DueDates } from '#lib/retention/contract';
import { EnrolTemplate } from './enrol-template.js';
import { showTemplate, TemplateParams, TemplateShown } from './show-template.js';
import { refusals, TemplateTerms } from './template.stream.js';

/** Clocks of devices differ, but not by days. */
const aheadMaxMs = 24 * 3_600_000;

export const EnrolmentIn = z
  .strictObject({
    subjectId: SubjectId,
    purposeId: PurposeId,
    model: ModelIdentity,
    embedding: EmbeddingIn,
    quality: TemplateTerms.shape.quality,
    capturedAt: Instant,
    deviceId: Slug.optional(),
    mode: TemplateTerms.shape.mode.default('central'),
  })
  .meta({ id: 'Enrolment' });
export type EnrolmentIn = z.output<typeof EnrolmentIn>;

@Controller('v1/templates/:templateId')
export class EnrolTemplateRoute {
  constructor(
    private readonly commands: CommandBus,
    private readonly dueDates: DueDates,
    private readonly clock: Clock,
  ) {}

  @Put()
  @AllowedTo('backend', 'device')
  @Writes([201, 200], TemplateShown)
  async enrol(
    @FromCaller() caller: Caller,
    @Param({ schema: TemplateParams }) { templateId }: TemplateParams,
    @Body({ schema: EnrolmentIn }) { embedding, ...rest }: EnrolmentIn,
  ) {
    if (Date.parse(rest.capturedAt) > this.clock.now().getTime() + aheadMaxMs) {
      throw new Invalid([{ path: ['capturedAt'], code: 'in-the-future' }]);
    }
    if (embedding.dim * 4 !== embedding.data.byteLength) {
      throw refusals['bad-embedding']({ errors: [{ path: 'embedding.dim', code: 'size' }] });
    }
    const enrolled = await this.commands.execute(new EnrolTemplate(caller, { templateId, ...rest }, embedding.data));
    const { template, position, recorded } = enrolled;
    const due = await this.dueDates.of(caller.tenant, [template]);
    return { position, recorded, answer: showTemplate(template, due.get(templateId)) };
  }
}
