import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Caller, EventOf } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { type Changed, Streams } from '#lib/ports';
import {
  type Purpose,
  PurposeId,
  PurposeStream,
  RotationRenewed,
  RotationVersion,
  refusals,
} from './purpose.stream.js';
import { PurposeParams } from './show-purpose.js';

const Renewal = z.strictObject({ version: RotationVersion });
type Renewal = z.output<typeof Renewal>;

const RotationShown = z.object({ purposeId: PurposeId, version: RotationVersion }).meta({ id: 'Rotation' });

export class RenewRotation extends Command<Changed<Purpose>> {
  constructor(
    readonly caller: Caller,
    readonly purposeId: PurposeId,
    /** The one after the one there is, or that one as a repeat. */
    readonly version: number,
  ) {
    super();
  }
}

/**
 * What a gallery held under the last key has nothing in common with what it holds under the next one, so whatever of it
 * leaked is of no use any more; nobody is captured again, as it is made anew from the vault (BTP-4).
 */
export const renewRotation = (
  { terms, rotationVersion }: Purpose,
  { purposeId, version }: RenewRotation,
): EventOf<typeof RotationRenewed>[] => {
  if (!terms) throw refusals['purpose-missing']();
  if (!terms.identification) throw refusals['not-identifying']();
  if (version === rotationVersion) return [];
  if (version !== rotationVersion + 1) throw refusals['not-next-rotation']({ version: rotationVersion });
  return [RotationRenewed({ purposeId, version })];
};

@CommandHandler(RenewRotation)
export class RenewRotationHandler implements ICommandHandler<RenewRotation> {
  constructor(private readonly streams: Streams) {}

  execute(command: RenewRotation) {
    return this.streams.change(command.caller, PurposeStream, command.purposeId, (purpose) =>
      renewRotation(purpose, command),
    );
  }
}

@Controller('v1/purposes/:purposeId/rotation')
export class RenewRotationRoute {
  constructor(private readonly commands: CommandBus) {}

  @Put()
  @AllowedTo('dpo')
  @Writes([200], RotationShown)
  async renew(
    @FromCaller() caller: Caller,
    @Param({ schema: PurposeParams }) { purposeId }: PurposeParams,
    @Body({ schema: Renewal }) { version }: Renewal,
  ) {
    const changed = await this.commands.execute(new RenewRotation(caller, purposeId, version));
    return { ...changed, answer: { purposeId, version: changed.state.rotationVersion } };
  }
}
