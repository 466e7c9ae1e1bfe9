import { Controller, Get, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { ActorId, type Caller, Instant } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { Streams } from '#lib/ports';
import { AssessedCards, type Assessment, AssessmentStream, AssessmentTerms, refusals } from './assessment.stream.js';
import { AssessmentId } from './purpose.stream.js';
import { readers } from './readers.js';

export const AssessmentParams = z.object({ assessmentId: AssessmentId });
export type AssessmentParams = z.output<typeof AssessmentParams>;

export const AssessmentShown = AssessmentTerms.extend({
  assessmentId: AssessmentId,
  state: z.enum(['drafted', 'approved']),
  cards: AssessedCards,
  author: ActorId,
  approver: ActorId.optional(),
  approvedAt: Instant.optional(),
}).meta({ id: 'Assessment' });
export type AssessmentShown = z.output<typeof AssessmentShown>;

/** @throws policy.assessment-missing when it was never drafted */
export const show = (assessmentId: AssessmentId, assessment: Assessment): AssessmentShown => {
  if (assessment.status === 'none') throw refusals['assessment-missing']();
  const { status, terms, cards, ...people } = assessment;
  return { assessmentId, ...terms, state: status, cards: [...cards], ...people };
};

export class ShowAssessment extends Query<AssessmentShown> {
  constructor(
    readonly caller: Caller,
    readonly assessmentId: AssessmentId,
  ) {
    super();
  }
}

@QueryHandler(ShowAssessment)
export class ShowAssessmentHandler implements IQueryHandler<ShowAssessment> {
  constructor(private readonly streams: Streams) {}

  async execute({ caller: { tenant }, assessmentId }: ShowAssessment) {
    const { state: assessment } = await this.streams.load(tenant, AssessmentStream, assessmentId);
    return show(assessmentId, assessment);
  }
}

@Controller('v1/assessments/:assessmentId')
export class ShowAssessmentRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo(...readers)
  @Reads(AssessmentShown)
  show(@FromCaller() caller: Caller, @Param({ schema: AssessmentParams }) { assessmentId }: AssessmentParams) {
    return this.queries.execute(new ShowAssessment(caller, assessmentId));
  }
}
