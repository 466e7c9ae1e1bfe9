import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf, SubjectId } from '#lib/core';
import type { PurposeId } from '#lib/policy/contract';
import { type Changed, Streams } from '#lib/ports';
import {
  type ErasureTrigger,
  type Template,
  TemplateErasureBegun,
  type TemplateId,
  TemplateStream,
  templateIn,
  templateKey,
} from './template.stream.js';

/** Blocks a template for good and has it erased. Whoever sends it knows whose template it is. */
export class BeginErasure extends Command<Changed<readonly Template[]>> {
  constructor(
    readonly caller: Caller,
    readonly subjectId: SubjectId,
    readonly purposeId: PurposeId,
    readonly templateId: TemplateId,
    readonly trigger: ErasureTrigger,
  ) {
    super();
  }
}

/** Erasure is begun once. Another reason for it, later, records nothing. */
export const beginErasure = (
  templates: readonly Template[],
  templateId: TemplateId,
  trigger: ErasureTrigger,
): EventOf<typeof TemplateErasureBegun>[] => {
  const { state, terms } = templateIn(templates, templateId);
  if (state !== 'active') return [];
  const { subjectId, purposeId } = terms;
  return [TemplateErasureBegun({ templateId, subjectId, purposeId, trigger })];
};

@CommandHandler(BeginErasure)
export class BeginErasureHandler implements ICommandHandler<BeginErasure> {
  constructor(private readonly streams: Streams) {}

  execute({ caller, subjectId, purposeId, templateId, trigger }: BeginErasure) {
    return this.streams.change(caller, TemplateStream, templateKey({ subjectId, purposeId }), (templates) =>
      beginErasure(templates, templateId, trigger),
    );
  }
}
