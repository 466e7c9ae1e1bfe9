import { isDeepStrictEqual } from 'node:util';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { type Changed, reading, Streams } from '#lib/ports';
import { type Notice, NoticeStream, refusals as noticeRefusals } from './notice.stream.js';
import {
  type Purpose,
  PurposeDefined,
  type PurposeId,
  PurposeStream,
  PurposeTerms,
  refusals,
} from './purpose.stream.js';
import { PurposeParams, PurposeShown, show } from './show-purpose.js';
import { refusals as cardRefusals, ThresholdCardStream, type ThresholdCardTerms } from './threshold-card.stream.js';

export class DefinePurpose extends Command<Changed<Purpose>> {
  constructor(
    readonly caller: Caller,
    readonly purposeId: PurposeId,
    readonly terms: PurposeTerms,
  ) {
    super();
  }
}

/** Below, coordinates are too few for a rotation to make them even (see libs/matcher). */
const searchedDimMin = 64;

/** A purpose is bound to what people are told and to how comparisons are judged: both must be there before it (FRT-2). */
export const definePurpose = (
  purpose: Purpose,
  { purposeId, terms }: DefinePurpose,
  [notice, card]: readonly [Notice, ThresholdCardTerms | undefined],
): EventOf<typeof PurposeDefined>[] => {
  if (purpose.defined && isDeepStrictEqual(purpose.defined, terms)) return [];
  if (purpose.defined) throw refusals['purpose-exists']();
  if (notice.length === 0) throw noticeRefusals['notice-missing']();
  if (!card) throw cardRefusals['threshold-card-missing']();
  if (terms.identification && card.model.dim < searchedDimMin)
    throw refusals['dimension-too-small']({ searchedDimMin });
  return [PurposeDefined({ purposeId, terms })];
};

@CommandHandler(DefinePurpose)
export class DefinePurposeHandler implements ICommandHandler<DefinePurpose> {
  constructor(private readonly streams: Streams) {}

  execute(command: DefinePurpose) {
    const { caller, purposeId, terms } = command;
    const relying = [
      reading(NoticeStream, terms.noticeId),
      reading(ThresholdCardStream, terms.thresholdCardId),
    ] as const;
    return this.streams.change(
      caller,
      PurposeStream,
      purposeId,
      (purpose, _now, relied) => definePurpose(purpose, command, relied),
      relying,
    );
  }
}

@Controller('v1/purposes/:purposeId')
export class DefinePurposeRoute {
  constructor(private readonly commands: CommandBus) {}

  @Put()
  @AllowedTo('dpo')
  @Writes([201, 200], PurposeShown)
  async define(
    @FromCaller() caller: Caller,
    @Param({ schema: PurposeParams }) { purposeId }: PurposeParams,
    @Body({ schema: PurposeTerms }) terms: PurposeTerms,
  ) {
    const changed = await this.commands.execute(new DefinePurpose(caller, purposeId, terms));
    return { ...changed, answer: show(purposeId, changed.state) };
  }
}
