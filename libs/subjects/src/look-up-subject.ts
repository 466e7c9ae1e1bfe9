import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, SubjectId } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { ExternalRef } from './external-reference.js';
import { ReferenceIndex } from './reference-index.js';
import { refusals } from './subject.stream.js';

const Lookup = z.strictObject({ externalRef: ExternalRef });
type Lookup = z.output<typeof Lookup>;

const Found = z.object({ subjectId: SubjectId }).meta({ id: 'FoundSubject' });
type Found = z.output<typeof Found>;

export class LookUpSubject extends Query<Found> {
  constructor(
    readonly caller: Caller,
    readonly externalRef: string,
  ) {
    super();
  }
}

@QueryHandler(LookUpSubject)
export class LookUpSubjectHandler implements IQueryHandler<LookUpSubject> {
  constructor(private readonly references: ReferenceIndex) {}

  async execute({ caller, externalRef }: LookUpSubject) {
    const subjectId = await this.references.find(caller.tenant, externalRef);
    if (!subjectId) throw refusals.missing();
    return { subjectId };
  }
}

/** A reference stands in the body, as paths are logged on the way. */
@Controller('v1/subjects/lookup')
export class LookUpSubjectRoute {
  constructor(private readonly queries: QueryBus) {}

  @Post()
  @HttpCode(200)
  @AllowedTo('backend', 'registrar')
  @Reads(Found)
  lookUp(@FromCaller() caller: Caller, @Body({ schema: Lookup }) { externalRef }: Lookup) {
    return this.queries.execute(new LookUpSubject(caller, externalRef));
  }
}
