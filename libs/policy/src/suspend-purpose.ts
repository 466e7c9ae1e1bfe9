import { Body, Controller, Param, Post } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Idempotent, Writes } from '#lib/http';
import { type Changed, Streams } from '#lib/ports';
import { Nothing } from './nothing.js';
import { type Purpose, type PurposeId, PurposeStream, PurposeSuspended, refusals } from './purpose.stream.js';
import { PurposeParams, PurposeShown, show } from './show-purpose.js';

export class SuspendPurpose extends Command<Changed<Purpose>> {
  constructor(
    readonly caller: Caller,
    readonly purposeId: PurposeId,
  ) {
    super();
  }
}

/** From here on the purpose permits nothing. One that is not active permits nothing anyway, and stays as it is. */
export const suspendPurpose = (
  { status }: Purpose,
  { purposeId }: SuspendPurpose,
): EventOf<typeof PurposeSuspended>[] => {
  if (status === 'none') throw refusals['purpose-missing']();
  return status === 'active' ? [PurposeSuspended({ purposeId })] : [];
};

@CommandHandler(SuspendPurpose)
export class SuspendPurposeHandler implements ICommandHandler<SuspendPurpose> {
  constructor(private readonly streams: Streams) {}

  execute(command: SuspendPurpose) {
    return this.streams.change(command.caller, PurposeStream, command.purposeId, (purpose) =>
      suspendPurpose(purpose, command),
    );
  }
}

@Controller('v1/purposes/:purposeId/suspension')
export class SuspendPurposeRoute {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  @AllowedTo('dpo')
  @Idempotent()
  @Writes([200], PurposeShown)
  async suspend(
    @FromCaller() caller: Caller,
    @Param({ schema: PurposeParams }) { purposeId }: PurposeParams,
    @Body({ schema: Nothing }) _nothing: Nothing,
  ) {
    const changed = await this.commands.execute(new SuspendPurpose(caller, purposeId));
    return { ...changed, answer: show(purposeId, changed.state) };
  }
}
