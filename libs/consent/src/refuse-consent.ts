import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, Channel, type EventOf, SubjectId } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import {
  alternativesAt,
  type Checkpoint,
  CheckpointId,
  CheckpointStream,
  checkpointRefusals,
  MethodKind,
  type Purpose,
  PurposeId,
  PurposeStream,
  purposeRefusals,
} from '#lib/policy/contract';
import { type Changed, reading, Streams } from '#lib/ports';
import { type Subject, SubjectStream, subjectRefusals } from '#lib/subjects/contract';
import { claimConsentId } from './claim-consent-id.js';
import {
  ConsentId,
  ConsentRefused,
  ConsentStream,
  type Consents,
  consentKey,
  refusals,
  standing,
} from './consent.stream.js';
import { ConsentIdStream } from './consent-id.stream.js';

const RefusalParams = z.object({ refusalId: ConsentId });
type RefusalParams = z.output<typeof RefusalParams>;

/** Who said no, to what, and where. */
const SaidNo = z.strictObject({
  subjectId: SubjectId,
  purposeId: PurposeId,
  checkpointId: CheckpointId,
  channel: Channel,
});
export type SaidNo = z.output<typeof SaidNo>;

/** What to do now: the ways at this checkpoint that need no face. There is always one (FRT-13). */
const RefusalShown = z
  .object({ refusalId: ConsentId, alternatives: z.array(MethodKind).min(1).max(MethodKind.options.length) })
  .meta({ id: 'ConsentRefusal' });

export interface Refused extends Changed<Consents> {
  readonly alternatives: readonly MethodKind[];
}

export class RefuseConsent extends Command<Refused> {
  constructor(
    readonly caller: Caller,
    readonly refusalId: ConsentId,
    readonly said: SaidNo,
  ) {
    super();
  }
}

type RefusedUpon = readonly [Subject, Purpose, readonly Checkpoint[]];

const mustBeKnown = ({ checkpointId }: SaidNo, [subject, purpose, checkpoints]: RefusedUpon): void => {
  if (subject.status !== 'registered') throw subjectRefusals.missing();
  if (purpose.status === 'none') throw purposeRefusals['purpose-missing']();
  if (!checkpoints.some((each) => each.checkpointId === checkpointId)) throw checkpointRefusals['checkpoint-missing']();
};

/** A refusal is recorded as it is said, and costs nothing (FRT-14). A standing consent is not refused but withdrawn. */
export const refuseConsent = (
  consents: Consents,
  { refusalId, said }: Pick<RefuseConsent, 'refusalId' | 'said'>,
  now: Date,
  upon: RefusedUpon,
): EventOf<typeof ConsentRefused>[] => {
  const known = consents.refusals.find((each) => each.refusalId === refusalId);
  if (known) {
    if (known.checkpointId === said.checkpointId && known.channel === said.channel) return [];
    throw refusals['id-taken']();
  }
  mustBeKnown(said, upon);
  if (standing(consents, now)) throw refusals['still-given']();
  return [ConsentRefused({ refusalId, ...said })];
};

@CommandHandler(RefuseConsent)
export class RefuseConsentHandler implements ICommandHandler<RefuseConsent> {
  constructor(private readonly streams: Streams) {}

  /** The id is claimed first: if we stop in between, a repeat goes on from there. */
  async execute(command: RefuseConsent): Promise<Refused> {
    const { caller, refusalId, said } = command;
    const { subjectId, purposeId, checkpointId } = said;
    const upon = [
      reading(SubjectStream, subjectId),
      reading(PurposeStream, purposeId),
      reading(CheckpointStream, purposeId),
    ] as const;
    const [subject, purpose, checkpoints] = await this.streams.loadMany(caller.tenant, upon);
    mustBeKnown(said, [subject.state, purpose.state, checkpoints.state]);
    const claimed = { subjectId, purposeId, record: 'refusal' } as const;
    await this.streams.change(caller, ConsentIdStream, refusalId, (owner) => claimConsentId(owner, refusalId, claimed));
    const changed = await this.streams.change(
      caller,
      ConsentStream,
      consentKey(said),
      (consents, now, relied) => refuseConsent(consents, command, now, relied),
      upon,
    );
    return { ...changed, alternatives: alternativesAt(checkpoints.state, checkpointId) };
  }
}

@Controller('v1/consent-refusals/:refusalId')
export class RefuseConsentRoute {
  constructor(private readonly commands: CommandBus) {}

  @Put()
  @AllowedTo('backend', 'registrar')
  @Writes([201, 200], RefusalShown)
  async refuse(
    @FromCaller() caller: Caller,
    @Param({ schema: RefusalParams }) { refusalId }: RefusalParams,
    @Body({ schema: SaidNo }) said: SaidNo,
  ) {
    const { alternatives, ...changed } = await this.commands.execute(new RefuseConsent(caller, refusalId, said));
    return { ...changed, answer: { refusalId, alternatives } };
  }
}
