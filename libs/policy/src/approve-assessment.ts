import { Body, Controller, Param, Post } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Idempotent, Writes } from '#lib/http';
import { type Changed, Streams } from '#lib/ports';
import { type Assessment, AssessmentApproved, AssessmentStream, refusals } from './assessment.stream.js';
import { Nothing } from './nothing.js';
import { type AssessmentId, type Purpose, PurposeAssessed, type PurposeId, PurposeStream } from './purpose.stream.js';
import { AssessmentParams, AssessmentShown, show } from './show-assessment.js';

export class ApproveAssessment extends Command<Changed<Assessment>> {
  constructor(
    readonly caller: Caller,
    readonly assessmentId: AssessmentId,
  ) {
    super();
  }
}

/** Two persons stand behind an assessment: its author, and whoever approved it. */
export const approveAssessment = (
  assessment: Assessment,
  { caller: { actor }, assessmentId }: ApproveAssessment,
  now: Date,
): EventOf<typeof AssessmentApproved>[] => {
  if (assessment.status === 'none') throw refusals['assessment-missing']();
  if (assessment.author === actor) throw refusals['own-assessment']();
  if (assessment.status === 'approved') return [];
  if (new Date(assessment.terms.validUntil) <= now) throw refusals['assessment-lapsed']();
  return [AssessmentApproved({ assessmentId, approver: actor })];
};

/** What an approved assessment means for one purpose that it covers; once said, it is not said again. */
export const coverPurpose = (
  { assessments }: Purpose,
  purposeId: PurposeId,
  assessmentId: AssessmentId,
  validUntil: string,
): EventOf<typeof PurposeAssessed>[] =>
  assessments.some((each) => each.assessmentId === assessmentId)
    ? []
    : [PurposeAssessed({ purposeId, assessmentId, validUntil })];

@CommandHandler(ApproveAssessment)
export class ApproveAssessmentHandler implements ICommandHandler<ApproveAssessment> {
  constructor(private readonly streams: Streams) {}

  /** The approval is recorded first: if we stop in between, a repeat goes on from there. */
  async execute(command: ApproveAssessment) {
    const { caller, assessmentId } = command;
    const approved = await this.streams.change(caller, AssessmentStream, assessmentId, (assessment, now) =>
      approveAssessment(assessment, command, now),
    );
    if (approved.state.status === 'none') throw refusals['assessment-missing']();
    const { validUntil, purposes } = approved.state.terms;
    let { position, recorded } = approved;
    for (const purposeId of purposes) {
      const covered = await this.streams.change(caller, PurposeStream, purposeId, (purpose) =>
        coverPurpose(purpose, purposeId, assessmentId, validUntil),
      );
      position = Math.max(position, covered.position);
      recorded ||= covered.recorded;
    }
    return { ...approved, position, recorded };
  }
}

@Controller('v1/assessments/:assessmentId/approval')
export class ApproveAssessmentRoute {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  @AllowedTo('dpo')
  @Idempotent()
  @Writes([200], AssessmentShown)
  async approve(
    @FromCaller() caller: Caller,
    @Param({ schema: AssessmentParams }) { assessmentId }: AssessmentParams,
    @Body({ schema: Nothing }) _nothing: Nothing,
  ) {
    const changed = await this.commands.execute(new ApproveAssessment(caller, assessmentId));
    return { ...changed, answer: show(assessmentId, changed.state) };
  }
}
