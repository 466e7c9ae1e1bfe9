import { Body, Controller, Param, Post } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Idempotent, Writes } from '#lib/http';
import { type Changed, reading, Streams } from '#lib/ports';
import {
  type Assessment,
  AssessmentApproved,
  AssessmentStream,
  type Draft,
  isWrittenFor,
  refusals,
} from './assessment.stream.js';
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

/**
 * Two persons stand behind an assessment: its author, and whoever approved it. What was drafted on other error rates than
 * its purposes have now is not approved: they are to be assessed anew (PERF-1, FRT-11).
 */
export const approveAssessment = (
  assessment: Assessment,
  { caller: { actor }, assessmentId }: ApproveAssessment,
  now: Date,
  purposes: readonly Purpose[],
): EventOf<typeof AssessmentApproved>[] => {
  if (assessment.status === 'none') throw refusals['assessment-missing']();
  if (assessment.author === actor) throw refusals['own-assessment']();
  if (assessment.status === 'approved') return [];
  if (new Date(assessment.terms.validUntil) <= now) throw refusals['assessment-lapsed']();
  const isWrittenForAll = assessment.terms.purposes.every((purposeId, n) =>
    isWrittenFor(assessment, purposeId, purposes[n] ?? PurposeStream.initial),
  );
  if (!isWrittenForAll) throw refusals['assessment-outdated']();
  return [AssessmentApproved({ assessmentId, approver: actor })];
};

/** What an approved assessment means for one purpose that it covers; once said, it is not said again. */
export const coverPurpose = (
  purpose: Purpose,
  purposeId: PurposeId,
  assessmentId: AssessmentId,
  draft: Draft,
): EventOf<typeof PurposeAssessed>[] => {
  const said = [...purpose.superseded, ...purpose.assessments.map((each) => each.assessmentId)];
  if (said.includes(assessmentId) || !isWrittenFor(draft, purposeId, purpose)) return [];
  return [PurposeAssessed({ purposeId, assessmentId, validUntil: draft.terms.validUntil })];
};

@CommandHandler(ApproveAssessment)
export class ApproveAssessmentHandler implements ICommandHandler<ApproveAssessment> {
  constructor(private readonly streams: Streams) {}

  /** The approval is recorded first: if we stop in between, a repeat goes on from there. */
  async execute(command: ApproveAssessment) {
    const { caller, assessmentId } = command;
    const { state: known } = await this.streams.load(caller.tenant, AssessmentStream, assessmentId);
    if (known.status === 'none') throw refusals['assessment-missing']();
    const { purposes } = known.terms;
    const approved = await this.streams.change(
      caller,
      AssessmentStream,
      assessmentId,
      (assessment, now, relied) => approveAssessment(assessment, command, now, relied),
      purposes.map((purposeId) => reading(PurposeStream, purposeId)),
    );
    let { position, recorded } = approved;
    for (const purposeId of purposes) {
      const covered = await this.streams.change(caller, PurposeStream, purposeId, (purpose) =>
        coverPurpose(purpose, purposeId, assessmentId, known),
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
