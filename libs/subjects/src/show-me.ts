import { Controller, Get } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { type PatientCaller, TenantId } from '#lib/core';
import { AllowedTo, FromPatient, Reads } from '#lib/http';
import { ShowSubject } from './show-subject.js';
import { SubjectShown } from './subject-shown.js';

/** What a patient is here: a pseudonym, in one hospital, since then. */
export const Me = SubjectShown.extend({ tenant: TenantId }).meta({ id: 'Me' });
export type Me = ReturnType<typeof Me.parse>;

export class ShowMe extends Query<Me> {
  constructor(readonly caller: PatientCaller) {
    super();
  }
}

@QueryHandler(ShowMe)
export class ShowMeHandler implements IQueryHandler<ShowMe> {
  constructor(private readonly queries: QueryBus) {}

  async execute({ caller }: ShowMe) {
    const subject = await this.queries.execute(new ShowSubject(caller, caller.subjectId));
    return { ...subject, tenant: caller.tenant };
  }
}

@Controller('v1/me')
export class ShowMeRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('patient')
  @Reads(Me)
  show(@FromPatient() caller: PatientCaller) {
    return this.queries.execute(new ShowMe(caller));
  }
}
