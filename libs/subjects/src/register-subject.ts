import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf, SubjectId } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { KeyErased, PersonalData } from '#lib/keys/contract';
import { type Changed, Clock, Streams } from '#lib/ports';
import { type Identity, identityContext, Registration } from './external-reference.js';
import { ReferenceIndex } from './reference-index.js';
import { refusals, type Subject, type SubjectKind, SubjectRegistered, SubjectStream } from './subject.stream.js';
import { SubjectParams, SubjectShown, show } from './subject-shown.js';

/** The earliest time zone is so far ahead of UTC: there it is tomorrow already. */
const aheadMaxMs = 14 * 60 * 60 * 1_000;

export class RegisterSubject extends Command<Changed<Subject>> {
  constructor(
    readonly caller: Caller,
    readonly subjectId: SubjectId,
    readonly registration: Registration,
  ) {
    super();
  }
}

/** @throws Refusal `subjects.born-later` for a day that has begun nowhere yet */
export function identityAt({ externalRef, birthDate }: Registration, now: Date): Identity {
  if (birthDate === undefined) return { externalRef };
  if (Date.parse(birthDate) > now.getTime() + aheadMaxMs) throw refusals['born-later']();
  return { externalRef, birthDate };
}

/** An id is one registration's for ever, also once the subject is erased: nobody comes back under it. */
export function registerSubject(
  subject: Subject,
  { subjectId, kind, sealed }: { subjectId: SubjectId; kind: SubjectKind; sealed: string },
): EventOf<typeof SubjectRegistered>[] {
  if (subject.status === 'none') return [SubjectRegistered({ subjectId, kind, sealed })];
  const isRepeat = subject.status === 'registered' && subject.kind === kind && subject.sealed === sealed;
  if (!isRepeat) throw refusals['id-taken']();
  return [];
}

@CommandHandler(RegisterSubject)
export class RegisterSubjectHandler implements ICommandHandler<RegisterSubject> {
  constructor(
    private readonly streams: Streams,
    private readonly personal: PersonalData,
    private readonly references: ReferenceIndex,
    private readonly clock: Clock,
  ) {}

  /** Reference, key, fact: if we stop in between, a repeat goes on from there, and nobody sees anything before the fact. */
  async execute({ caller, subjectId, registration }: RegisterSubject) {
    const { tenant } = caller;
    const { kind } = registration;
    const identity = identityAt(registration, this.clock.now());
    const { state: known } = await this.streams.load(tenant, SubjectStream, subjectId);
    if (known.status === 'none') {
      await this.references.claim(tenant, identity.externalRef, subjectId);
      await this.personal.create(tenant, subjectId);
    }
    const sealed = await this.sealed(tenant, subjectId, identity);
    return this.streams.change(caller, SubjectStream, subjectId, (subject) =>
      registerSubject(subject, { subjectId, kind, sealed }),
    );
  }

  private async sealed(tenant: Caller['tenant'], subjectId: SubjectId, identity: Identity): Promise<string> {
    try {
      return await this.personal.seal(tenant, subjectId, identityContext, identity);
    } catch (error) {
      // The subject of this id is erased, so nothing can be the same registration any more.
      throw error instanceof KeyErased ? refusals['id-taken']() : error;
    }
  }
}

@Controller('v1/subjects/:subjectId')
export class RegisterSubjectRoute {
  constructor(private readonly commands: CommandBus) {}

  @Put()
  @AllowedTo('backend', 'registrar')
  @Writes([201, 200], SubjectShown)
  async register(
    @FromCaller() caller: Caller,
    @Param({ schema: SubjectParams }) { subjectId }: SubjectParams,
    @Body({ schema: Registration }) registration: Registration,
  ) {
    const changed = await this.commands.execute(new RegisterSubject(caller, subjectId, registration));
    return { ...changed, answer: show(subjectId, changed.state) };
  }
}
