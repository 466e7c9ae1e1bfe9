import { Controller, Get, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, Instant } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { Streams } from '#lib/ports';
import { AssessmentId, type Purpose, PurposeId, PurposeStream, PurposeTerms, refusals } from './purpose.stream.js';
import { readers } from './readers.js';

export const PurposeParams = z.object({ purposeId: PurposeId });
export type PurposeParams = z.output<typeof PurposeParams>;

/** A purpose as callers see it. Only `active` permits anything, and only while one of its assessments is valid. */
export const PurposeShown = PurposeTerms.safeExtend({
  purposeId: PurposeId,
  state: z.enum(['defined', 'active', 'suspended']),
  assessments: z.array(z.object({ assessmentId: AssessmentId, validUntil: Instant })).max(10_000),
  /** What was assessed of it was another threshold card: nothing is permitted until this one is. */
  reassessmentDue: z.boolean(),
}).meta({ id: 'Purpose' });
export type PurposeShown = z.output<typeof PurposeShown>;

/** @throws policy.purpose-missing when it was never defined */
export const show = (purposeId: PurposeId, { status, terms, assessments, superseded }: Purpose): PurposeShown => {
  if (status === 'none' || !terms) throw refusals['purpose-missing']();
  const reassessmentDue = superseded.length > 0 && assessments.length === 0;
  return { purposeId, ...terms, state: status, assessments: [...assessments], reassessmentDue };
};

export class ShowPurpose extends Query<PurposeShown> {
  constructor(
    readonly caller: Caller,
    readonly purposeId: PurposeId,
  ) {
    super();
  }
}

@QueryHandler(ShowPurpose)
export class ShowPurposeHandler implements IQueryHandler<ShowPurpose> {
  constructor(private readonly streams: Streams) {}

  async execute({ caller: { tenant }, purposeId }: ShowPurpose) {
    const { state: purpose } = await this.streams.load(tenant, PurposeStream, purposeId);
    return show(purposeId, purpose);
  }
}

@Controller('v1/purposes/:purposeId')
export class ShowPurposeRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo(...readers)
  @Reads(PurposeShown)
  show(@FromCaller() caller: Caller, @Param({ schema: PurposeParams }) { purposeId }: PurposeParams) {
    return this.queries.execute(new ShowPurpose(caller, purposeId));
  }
}
