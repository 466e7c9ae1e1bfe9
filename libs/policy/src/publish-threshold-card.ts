import { isDeepStrictEqual } from 'node:util';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { type Changed, Streams } from '#lib/ports';
import {
  refusals,
  ThresholdCardId,
  ThresholdCardPublished,
  ThresholdCardStream,
  ThresholdCardTerms,
} from './threshold-card.stream.js';

export const ThresholdCardParams = z.object({ thresholdCardId: ThresholdCardId });
export type ThresholdCardParams = z.output<typeof ThresholdCardParams>;

export const ThresholdCardShown = ThresholdCardTerms.safeExtend({ thresholdCardId: ThresholdCardId }).meta({
  id: 'ThresholdCard',
});
export type ThresholdCardShown = z.output<typeof ThresholdCardShown>;

export class PublishThresholdCard extends Command<Changed<ThresholdCardTerms | undefined>> {
  constructor(
    readonly caller: Caller,
    readonly thresholdCardId: ThresholdCardId,
    readonly terms: ThresholdCardTerms,
  ) {
    super();
  }
}

/** Other figures are another card: what was decided by this one stays explained by it. */
export const publishThresholdCard = (
  known: ThresholdCardTerms | undefined,
  { thresholdCardId, terms }: PublishThresholdCard,
): EventOf<typeof ThresholdCardPublished>[] => {
  if (!known) return [ThresholdCardPublished({ thresholdCardId, terms })];
  if (isDeepStrictEqual(known, terms)) return [];
  throw refusals['threshold-card-exists']();
};

@CommandHandler(PublishThresholdCard)
export class PublishThresholdCardHandler implements ICommandHandler<PublishThresholdCard> {
  constructor(private readonly streams: Streams) {}

  execute(command: PublishThresholdCard) {
    return this.streams.change(command.caller, ThresholdCardStream, command.thresholdCardId, (known) =>
      publishThresholdCard(known, command),
    );
  }
}

@Controller('v1/threshold-cards/:thresholdCardId')
export class PublishThresholdCardRoute {
  constructor(private readonly commands: CommandBus) {}

  @Put()
  @AllowedTo('dpo')
  @Writes([201, 200], ThresholdCardShown)
  async publish(
    @FromCaller() caller: Caller,
    @Param({ schema: ThresholdCardParams }) { thresholdCardId }: ThresholdCardParams,
    @Body({ schema: ThresholdCardTerms }) terms: ThresholdCardTerms,
  ) {
    const changed = await this.commands.execute(new PublishThresholdCard(caller, thresholdCardId, terms));
    return { ...changed, answer: { thresholdCardId, ...changed.state } };
  }
}
