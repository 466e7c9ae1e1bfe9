import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ConsentStream, type Consents, consentKey, continues, standing } from '#lib/consent/contract';
import type { Caller, EventOf, SubjectId } from '#lib/core';
import type { PurposeId } from '#lib/policy/contract';
import { type Changed, reading, Streams } from '#lib/ports';
import { beginErasure } from './begin-erasure.js';
import {
  type ErasureTrigger,
  type Template,
  type TemplateErasureBegun,
  TemplateStream,
  templateKey,
} from './template.stream.js';

/** Begins the erasure of every template of a subject and purpose whose consent has ended. */
export class EraseWithoutConsent extends Command<Changed<readonly Template[]>> {
  constructor(
    readonly caller: Caller,
    readonly subjectId: SubjectId,
    readonly purposeId: PurposeId,
  ) {
    super();
  }
}

/** A template is kept under the consent it was enrolled under and those that renewed it; a consent given anew later does not bring it back. */
export const eraseWithoutConsent = (
  templates: readonly Template[],
  consents: Consents,
  now: Date,
): EventOf<typeof TemplateErasureBegun>[] => {
  const current = standing(consents, now);
  return templates
    .filter(({ terms }) => !current || !continues(consents, terms.consentId, current))
    .flatMap((template) => beginErasure(templates, template.terms.templateId, consentTriggerOf(template, consents)));
};

/** Why the consent of a template ended: it, or one that renewed it, was withdrawn; otherwise its time was over. */
export const consentTriggerOf = ({ terms }: Template, consents: Consents): ErasureTrigger =>
  consents.consents.some((consent) => consent.withdrawnAt && continues(consents, terms.consentId, consent))
    ? 'consent-withdrawn'
    : 'consent-expired';

@CommandHandler(EraseWithoutConsent)
export class EraseWithoutConsentHandler implements ICommandHandler<EraseWithoutConsent> {
  constructor(private readonly streams: Streams) {}

  execute({ caller, subjectId, purposeId }: EraseWithoutConsent) {
    const key = { subjectId, purposeId };
    return this.streams.change(
      caller,
      TemplateStream,
      templateKey(key),
      (templates, now, [consents]) => eraseWithoutConsent(templates, consents, now),
      [reading(ConsentStream, consentKey(key))],
    );
  }
}
