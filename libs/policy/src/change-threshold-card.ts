import { isDeepStrictEqual } from 'node:util';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Idempotent, Writes } from '#lib/http';
import { type Changed, reading, Streams } from '#lib/ports';
import { type Purpose, type PurposeId, PurposeStream, refusals, ThresholdCardChanged } from './purpose.stream.js';
import { PurposeParams, PurposeShown, show } from './show-purpose.js';
import {
  refusals as cardRefusals,
  ThresholdCardId,
  ThresholdCardStream,
  type ThresholdCardTerms,
} from './threshold-card.stream.js';

const ThresholdCardChoice = z.strictObject({ thresholdCardId: ThresholdCardId });
type ThresholdCardChoice = z.output<typeof ThresholdCardChoice>;

export class ChangeThresholdCard extends Command<Changed<Purpose>> {
  constructor(
    readonly caller: Caller,
    readonly purposeId: PurposeId,
    readonly thresholdCardId: ThresholdCardId,
  ) {
    super();
  }
}

/**
 * Other thresholds are other error rates, so they are assessed before they judge anybody: from this fact on nothing is
 * permitted, without grace, until an assessment of the new card is approved (PERF-1, FRT-11). `first` is the card the
 * purpose was defined on: embeddings of another model are other templates, so another model is another purpose (FMT-1).
 */
export const changeThresholdCard = (
  { terms }: Purpose,
  { purposeId, thresholdCardId }: ChangeThresholdCard,
  card: ThresholdCardTerms | undefined,
  first: ThresholdCardTerms | undefined,
): EventOf<typeof ThresholdCardChanged>[] => {
  if (!terms) throw refusals['purpose-missing']();
  const { thresholdCardId: previousThresholdCardId } = terms;
  if (thresholdCardId === previousThresholdCardId) return [];
  if (!card) throw cardRefusals['threshold-card-missing']();
  if (!isDeepStrictEqual(card.model, first?.model)) {
    throw refusals['other-model']({ errors: [{ path: 'thresholdCardId', code: 'other-model' }] });
  }
  return [ThresholdCardChanged({ purposeId, thresholdCardId, previousThresholdCardId })];
};

@CommandHandler(ChangeThresholdCard)
export class ChangeThresholdCardHandler implements ICommandHandler<ChangeThresholdCard> {
  constructor(private readonly streams: Streams) {}

  async execute(command: ChangeThresholdCard) {
    const { caller, purposeId, thresholdCardId } = command;
    const { state: known } = await this.streams.load(caller.tenant, PurposeStream, purposeId);
    if (!known.defined) throw refusals['purpose-missing']();
    // Which one that is, and what it says, never changes: it needs no guard.
    const { state: first } = await this.streams.load(caller.tenant, ThresholdCardStream, known.defined.thresholdCardId);
    return this.streams.change(
      caller,
      PurposeStream,
      purposeId,
      (purpose, _now, [card]) => changeThresholdCard(purpose, command, card, first),
      [reading(ThresholdCardStream, thresholdCardId)] as const,
    );
  }
}

@Controller('v1/purposes/:purposeId/threshold-card')
export class ChangeThresholdCardRoute {
  constructor(private readonly commands: CommandBus) {}

  /** A card may come back, unlike what has an id of its own: a repeat that comes late is known by its key. */
  @Put()
  @AllowedTo('dpo')
  @Idempotent()
  @Writes([200], PurposeShown)
  async change(
    @FromCaller() caller: Caller,
    @Param({ schema: PurposeParams }) { purposeId }: PurposeParams,
    @Body({ schema: ThresholdCardChoice }) { thresholdCardId }: ThresholdCardChoice,
  ) {
    const changed = await this.commands.execute(new ChangeThresholdCard(caller, purposeId, thresholdCardId));
    return { ...changed, answer: show(purposeId, changed.state) };
  }
}
