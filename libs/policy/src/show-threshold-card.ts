import { Controller, Get, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import type { Caller } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { Streams } from '#lib/ports';
import { ThresholdCardParams, ThresholdCardShown } from './publish-threshold-card.js';
import { readers } from './readers.js';
import { refusals, type ThresholdCardId, ThresholdCardStream } from './threshold-card.stream.js';

export class ShowThresholdCard extends Query<ThresholdCardShown> {
  constructor(
    readonly caller: Caller,
    readonly thresholdCardId: ThresholdCardId,
  ) {
    super();
  }
}

@QueryHandler(ShowThresholdCard)
export class ShowThresholdCardHandler implements IQueryHandler<ShowThresholdCard> {
  constructor(private readonly streams: Streams) {}

  async execute({ caller: { tenant }, thresholdCardId }: ShowThresholdCard) {
    const { state: terms } = await this.streams.load(tenant, ThresholdCardStream, thresholdCardId);
    if (!terms) throw refusals['threshold-card-missing']();
    return { thresholdCardId, ...terms };
  }
}

@Controller('v1/threshold-cards/:thresholdCardId')
export class ShowThresholdCardRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo(...readers)
  @Reads(ThresholdCardShown)
  show(@FromCaller() caller: Caller, @Param({ schema: ThresholdCardParams }) { thresholdCardId }: ThresholdCardParams) {
    return this.queries.execute(new ShowThresholdCard(caller, thresholdCardId));
  }
}
