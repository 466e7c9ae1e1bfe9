import { Controller, Delete, Param } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, type EventOf, SubjectId } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { type Changed, Streams } from '#lib/ports';
import { refusals, type Subject, SubjectErasureBegun, SubjectStream } from './subject.stream.js';
import { SubjectParams } from './subject-shown.js';

const Erasing = z.object({ subjectId: SubjectId, state: z.literal('erasing') }).meta({ id: 'ErasingSubject' });

export class EraseSubject extends Command<Changed<Subject>> {
  constructor(
    readonly caller: Caller,
    readonly subjectId: SubjectId,
  ) {
    super();
  }
}

/** Never refused to someone who is registered; the second one records nothing. */
export const eraseSubject = (subject: Subject, subjectId: SubjectId): EventOf<typeof SubjectErasureBegun>[] => {
  if (subject.status === 'none') throw refusals.missing();
  return subject.status === 'registered' ? [SubjectErasureBegun({ subjectId })] : [];
};

/** From the fact on the subject is missing to everyone and nothing matches them; the rest follows it: see `AdvanceSubjectErasure`. */
@CommandHandler(EraseSubject)
export class EraseSubjectHandler implements ICommandHandler<EraseSubject> {
  constructor(private readonly streams: Streams) {}

  execute({ caller, subjectId }: EraseSubject) {
    return this.streams.change(caller, SubjectStream, subjectId, (subject) => eraseSubject(subject, subjectId));
  }
}

@Controller('v1/subjects/:subjectId')
export class EraseSubjectRoute {
  constructor(private readonly commands: CommandBus) {}

  @Delete()
  @AllowedTo('backend', 'registrar', 'dpo')
  @Writes([202], Erasing)
  async erase(@FromCaller() caller: Caller, @Param({ schema: SubjectParams }) { subjectId }: SubjectParams) {
    const changed = await this.commands.execute(new EraseSubject(caller, subjectId));
    return { ...changed, answer: { subjectId, state: 'erasing' as const } };
  }
}
