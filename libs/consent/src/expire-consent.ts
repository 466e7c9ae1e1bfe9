import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf, SubjectId } from '#lib/core';
import type { PurposeId } from '#lib/policy/contract';
import { type Changed, Streams } from '#lib/ports';
import {
  ConsentExpired,
  type ConsentId,
  ConsentStream,
  type Consents,
  consentIn,
  consentKey,
} from './consent.stream.js';

/** A consent whose time may be over, and where it is kept. */
export interface ExpiringConsent {
  readonly consentId: ConsentId;
  readonly subjectId: SubjectId;
  readonly purposeId: PurposeId;
}

/** Records that a consent is over. Sent by the sweeper; nothing that is permitted waits for it. */
export class ExpireConsent extends Command<Changed<Consents>> {
  constructor(
    readonly caller: Caller,
    readonly consent: ExpiringConsent,
  ) {
    super();
  }
}

/** Only where time alone ended it: what was withdrawn or renewed before is not expired, and what has time left is not yet. */
export const expireConsent = (
  consents: Consents,
  { consent: { consentId, subjectId, purposeId } }: Pick<ExpireConsent, 'consent'>,
  now: Date,
): EventOf<typeof ConsentExpired>[] => {
  const { terms, replacedBy, withdrawnAt, expiredAt } = consentIn(consents, consentId);
  if (replacedBy || withdrawnAt || expiredAt || new Date(terms.validUntil) > now) return [];
  return [ConsentExpired({ consentId, subjectId, purposeId })];
};

@CommandHandler(ExpireConsent)
export class ExpireConsentHandler implements ICommandHandler<ExpireConsent> {
  constructor(private readonly streams: Streams) {}

  execute(command: ExpireConsent) {
    return this.streams.change(command.caller, ConsentStream, consentKey(command.consent), (consents, now) =>
      expireConsent(consents, command, now),
    );
  }
}
