import { Controller, Get, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import type { Caller, SubjectId } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { Streams } from '#lib/ports';
import { SubjectStream } from './subject.stream.js';
import { SubjectParams, SubjectShown, show } from './subject-shown.js';

export class ShowSubject extends Query<SubjectShown> {
  constructor(
    readonly caller: Caller,
    readonly subjectId: SubjectId,
  ) {
    super();
  }
}

/** Reads the stream, not a view: what a write answered is never missing here, and what is erased never found. */
@QueryHandler(ShowSubject)
export class ShowSubjectHandler implements IQueryHandler<ShowSubject> {
  constructor(private readonly streams: Streams) {}

  async execute({ caller, subjectId }: ShowSubject) {
    const { state: subject } = await this.streams.load(caller.tenant, SubjectStream, subjectId);
    return show(subjectId, subject);
  }
}

@Controller('v1/subjects/:subjectId')
export class ShowSubjectRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('backend', 'registrar', 'dpo')
  @Reads(SubjectShown)
  show(@FromCaller() caller: Caller, @Param({ schema: SubjectParams }) { subjectId }: SubjectParams) {
    return this.queries.execute(new ShowSubject(caller, subjectId));
  }
}
