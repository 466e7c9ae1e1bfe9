import { Body, Controller, Param, Post } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Idempotent, Writes } from '#lib/http';
import { type Changed, reading, Streams } from '#lib/ports';
import { alternativesAt, type Checkpoint, CheckpointStream } from './checkpoint.stream.js';
import { identificationBudget } from './identification-budget.js';
import { Nothing } from './nothing.js';
import {
  isAssessed,
  type Purpose,
  PurposeActivated,
  type PurposeId,
  PurposeStream,
  refusals,
} from './purpose.stream.js';
import { PurposeParams, PurposeShown, show } from './show-purpose.js';
import { ThresholdCardStream, type ThresholdCardTerms } from './threshold-card.stream.js';

export class ActivatePurpose extends Command<Changed<Purpose>> {
  constructor(
    readonly caller: Caller,
    readonly purposeId: PurposeId,
  ) {
    super();
  }
}

/**
 * Nothing begins unassessed (FRT-11), or where a face would be the only way (FRT-13); nobody is searched for in a gallery
 * where too many would be found (PERF-2). An active purpose stays as it is.
 */
export const activatePurpose = (
  purpose: Purpose,
  { purposeId }: ActivatePurpose,
  now: Date,
  checkpoints: readonly Checkpoint[],
  card?: ThresholdCardTerms,
): EventOf<typeof PurposeActivated>[] => {
  if (purpose.status === 'none') throw refusals['purpose-missing']();
  if (purpose.status === 'active') return [];
  if (!isAssessed(purpose, now)) throw refusals['not-assessed']();
  if (alternativesAt(checkpoints).length === 0) throw refusals['no-alternative']();
  const { identification } = purpose.terms ?? {};
  if (identification) {
    if (!card) throw new Error('a purpose has no threshold card');
    const { isKept, ...budget } = identificationBudget(card, identification, identification.galleryMax);
    if (!isKept) throw refusals['over-fpir-budget'](budget);
  }
  return [PurposeActivated({ purposeId })];
};

@CommandHandler(ActivatePurpose)
export class ActivatePurposeHandler implements ICommandHandler<ActivatePurpose> {
  constructor(private readonly streams: Streams) {}

  async execute(command: ActivatePurpose) {
    const { caller, purposeId } = command;
    const { state } = await this.streams.load(caller.tenant, PurposeStream, purposeId);
    if (!state.terms) throw refusals['purpose-missing']();
    return this.streams.change(
      caller,
      PurposeStream,
      purposeId,
      (purpose, now, [checkpoints, card]) => activatePurpose(purpose, command, now, checkpoints, card),
      [reading(CheckpointStream, purposeId), reading(ThresholdCardStream, state.terms.thresholdCardId)] as const,
    );
  }
}

@Controller('v1/purposes/:purposeId/activation')
export class ActivatePurposeRoute {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  @AllowedTo('dpo')
  @Idempotent()
  @Writes([200], PurposeShown)
  async activate(
    @FromCaller() caller: Caller,
    @Param({ schema: PurposeParams }) { purposeId }: PurposeParams,
    @Body({ schema: Nothing }) _nothing: Nothing,
  ) {
    const changed = await this.commands.execute(new ActivatePurpose(caller, purposeId));
    return { ...changed, answer: show(purposeId, changed.state) };
  }
}
