import { isDeepStrictEqual } from 'node:util';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { type Changed, reading, Streams } from '#lib/ports';
import {
  type Checkpoint,
  type CheckpointId,
  CheckpointOpened,
  CheckpointStream,
  CheckpointTerms,
  refusals,
} from './checkpoint.stream.js';
import { CheckpointIdClaimed, CheckpointIdStream } from './checkpoint-id.stream.js';
import { type Purpose, type PurposeId, PurposeStream, refusals as purposeRefusals } from './purpose.stream.js';
import { CheckpointParams, CheckpointShown, show } from './show-checkpoint.js';

export class OpenCheckpoint extends Command<Changed<readonly Checkpoint[]>> {
  constructor(
    readonly caller: Caller,
    readonly checkpointId: CheckpointId,
    readonly terms: CheckpointTerms,
  ) {
    super();
  }
}

/** An id names a checkpoint of the purpose it first came with, and never of another. */
export const claimCheckpointId = (
  owner: PurposeId | undefined,
  { checkpointId, terms: { purposeId } }: OpenCheckpoint,
  purpose: Purpose,
): EventOf<typeof CheckpointIdClaimed>[] => {
  if (owner === purposeId) return [];
  if (purpose.status === 'none') throw purposeRefusals['purpose-missing']();
  if (owner) throw refusals['checkpoint-exists']();
  return [CheckpointIdClaimed({ checkpointId, purposeId })];
};

export const openCheckpoint = (
  checkpoints: readonly Checkpoint[],
  { checkpointId, terms }: OpenCheckpoint,
): EventOf<typeof CheckpointOpened>[] => {
  const known = checkpoints.find((each) => each.checkpointId === checkpointId);
  if (!known) return [CheckpointOpened({ checkpointId, terms })];
  if (isDeepStrictEqual(known.terms, terms)) return [];
  throw refusals['checkpoint-exists']();
};

@CommandHandler(OpenCheckpoint)
export class OpenCheckpointHandler implements ICommandHandler<OpenCheckpoint> {
  constructor(private readonly streams: Streams) {}

  /** The id is claimed first: if we stop in between, a repeat goes on from there. */
  async execute(command: OpenCheckpoint) {
    const { caller, checkpointId, terms } = command;
    await this.streams.change(
      caller,
      CheckpointIdStream,
      checkpointId,
      (owner, _now, [purpose]) => claimCheckpointId(owner, command, purpose),
      [reading(PurposeStream, terms.purposeId)] as const,
    );
    return this.streams.change(caller, CheckpointStream, terms.purposeId, (checkpoints) =>
      openCheckpoint(checkpoints, command),
    );
  }
}

@Controller('v1/checkpoints/:checkpointId')
export class OpenCheckpointRoute {
  constructor(private readonly commands: CommandBus) {}

  @Put()
  @AllowedTo('dpo')
  @Writes([201, 200], CheckpointShown)
  async open(
    @FromCaller() caller: Caller,
    @Param({ schema: CheckpointParams }) { checkpointId }: CheckpointParams,
    @Body({ schema: CheckpointTerms }) terms: CheckpointTerms,
  ) {
    const changed = await this.commands.execute(new OpenCheckpoint(caller, checkpointId, terms));
    return { ...changed, answer: show(checkpointId, changed.state) };
  }
}
