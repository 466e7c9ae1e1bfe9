import { Controller, Get, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Caller } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { Streams } from '#lib/ports';
import {
  alternativesAt,
  type Checkpoint,
  CheckpointId,
  CheckpointStream,
  CheckpointTerms,
  MethodKind,
  refusals,
} from './checkpoint.stream.js';
import { CheckpointIdStream } from './checkpoint-id.stream.js';
import { readers } from './readers.js';

export const CheckpointParams = z.object({ checkpointId: CheckpointId });
export type CheckpointParams = z.output<typeof CheckpointParams>;

/** A checkpoint as callers see it: `alternatives` are the ways there that need no face. */
export const CheckpointShown = CheckpointTerms.safeExtend({
  checkpointId: CheckpointId,
  alternatives: z.array(MethodKind).max(MethodKind.options.length),
}).meta({ id: 'Checkpoint' });
export type CheckpointShown = z.output<typeof CheckpointShown>;

/** @throws policy.checkpoint-missing when it is not among these */
export const show = (checkpointId: CheckpointId, checkpoints: readonly Checkpoint[]): CheckpointShown => {
  const checkpoint = checkpoints.find((each) => each.checkpointId === checkpointId);
  if (!checkpoint) throw refusals['checkpoint-missing']();
  return { checkpointId, ...checkpoint.terms, alternatives: alternativesAt([checkpoint]) };
};

export class ShowCheckpoint extends Query<CheckpointShown> {
  constructor(
    readonly caller: Caller,
    readonly checkpointId: CheckpointId,
  ) {
    super();
  }
}

@QueryHandler(ShowCheckpoint)
export class ShowCheckpointHandler implements IQueryHandler<ShowCheckpoint> {
  constructor(private readonly streams: Streams) {}

  async execute({ caller: { tenant }, checkpointId }: ShowCheckpoint) {
    const { state: purposeId } = await this.streams.load(tenant, CheckpointIdStream, checkpointId);
    if (!purposeId) throw refusals['checkpoint-missing']();
    const { state: checkpoints } = await this.streams.load(tenant, CheckpointStream, purposeId);
    return show(checkpointId, checkpoints);
  }
}

@Controller('v1/checkpoints/:checkpointId')
export class ShowCheckpointRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo(...readers)
  @Reads(CheckpointShown)
  show(@FromCaller() caller: Caller, @Param({ schema: CheckpointParams }) { checkpointId }: CheckpointParams) {
    return this.queries.execute(new ShowCheckpoint(caller, checkpointId));
  }
}
