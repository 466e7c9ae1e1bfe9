import { isDeepStrictEqual } from 'node:util';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { type Changed, reading, Streams } from '#lib/ports';
import {
  type Assessment,
  AssessmentDrafted,
  AssessmentStream,
  AssessmentTerms,
  refusals,
} from './assessment.stream.js';
import { type AssessmentId, type Purpose, PurposeStream, refusals as purposeRefusals } from './purpose.stream.js';
import { AssessmentParams, AssessmentShown, show } from './show-assessment.js';

export class DraftAssessment extends Command<Changed<Assessment>> {
  constructor(
    readonly caller: Caller,
    readonly assessmentId: AssessmentId,
    readonly terms: AssessmentTerms,
  ) {
    super();
  }
}

/**
 * Whoever sends a text first is its author; the same text again is answered, and changes no author. It is written for the
 * threshold cards that its purposes have now: when one is changed, it covers that purpose no more (PERF-1).
 */
export const draftAssessment = (
  assessment: Assessment,
  { caller: { actor }, assessmentId, terms }: DraftAssessment,
  now: Date,
  purposes: readonly Purpose[],
): EventOf<typeof AssessmentDrafted>[] => {
  if (assessment.status !== 'none') {
    if (isDeepStrictEqual(assessment.terms, terms)) return [];
    throw refusals['assessment-exists']();
  }
  if (new Date(terms.validUntil) <= now) throw refusals['assessment-lapsed']();
  const cards = terms.purposes.map((purposeId, n) => {
    const thresholdCardId = purposes[n]?.terms?.thresholdCardId;
    if (!thresholdCardId) throw purposeRefusals['purpose-missing']();
    return { purposeId, thresholdCardId };
  });
  return [AssessmentDrafted({ assessmentId, author: actor, terms, cards })];
};

@CommandHandler(DraftAssessment)
export class DraftAssessmentHandler implements ICommandHandler<DraftAssessment> {
  constructor(private readonly streams: Streams) {}

  execute(command: DraftAssessment) {
    const { caller, assessmentId, terms } = command;
    return this.streams.change(
      caller,
      AssessmentStream,
      assessmentId,
      (assessment, now, purposes) => draftAssessment(assessment, command, now, purposes),
      terms.purposes.map((purposeId) => reading(PurposeStream, purposeId)),
    );
  }
}

@Controller('v1/assessments/:assessmentId')
export class DraftAssessmentRoute {
  constructor(private readonly commands: CommandBus) {}

  @Put()
  @AllowedTo('dpo')
  @Writes([201, 200], AssessmentShown)
  async draft(
    @FromCaller() caller: Caller,
    @Param({ schema: AssessmentParams }) { assessmentId }: AssessmentParams,
    @Body({ schema: AssessmentTerms }) terms: AssessmentTerms,
  ) {
    const changed = await this.commands.execute(new DraftAssessment(caller, assessmentId, terms));
    return { ...changed, answer: show(assessmentId, changed.state) };
  }
}
