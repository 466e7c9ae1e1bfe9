import { Controller, Query as FromQuery, Get } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, type PatientCaller, SubjectId, type TenantId } from '#lib/core';
import { AllowedTo, FromCaller, FromPatient, FromPosition, PageLimit, pageMax, Reads } from '#lib/http';
import type { PurposeId } from '#lib/policy/contract';
import { Clock, Documents, reading, Streams } from '#lib/ports';
import { DueDates } from '#lib/retention/contract';
import { showTemplate, TemplateShown } from './show-template.js';
import { TemplateId, TemplateStream, templateKey } from './template.stream.js';
import { type ListedTemplate, listKey, TemplatesView } from './templates.view.js';

/** The place in the log where the last one shown was enrolled. */
const Cursor = z.string().regex(/^\d{1,15}$/);

const Page = z.strictObject({ cursor: Cursor.default('0'), limit: PageLimit });
type Page = z.output<typeof Page>;

const Selection = Page.extend({ subjectId: SubjectId });
type Selection = z.output<typeof Selection>;

/** `next` is the cursor of the next page, null where there is none. */
const TemplatePage = z
  .object({ items: z.array(TemplateShown).max(pageMax), next: Cursor.nullable() })
  .meta({ id: 'TemplatePage' });
type TemplatePage = z.output<typeof TemplatePage>;

export class ListTemplates extends Query<TemplatePage> {
  constructor(
    readonly caller: Caller,
    readonly selection: Selection,
    readonly position: number,
  ) {
    super();
  }
}

/** The view says which templates there are; what each is now, the streams say. */
@QueryHandler(ListTemplates)
export class ListTemplatesHandler implements IQueryHandler<ListTemplates> {
  constructor(
    private readonly view: TemplatesView,
    private readonly documents: Documents,
    private readonly streams: Streams,
    private readonly dueDates: DueDates,
    private readonly clock: Clock,
  ) {}

  async execute({ caller: { tenant }, selection, position }: ListTemplates): Promise<TemplatePage> {
    const { subjectId, cursor, limit } = selection;
    await this.view.reach(tenant, position, this.clock);
    const documents = await this.documents.range<ListedTemplate>(tenant, this.view.name, {
      from: listKey(subjectId, Number(cursor) + 1),
      below: `${subjectId}-~`,
      limit,
    });
    const shown = await this.shownOf(tenant, subjectId, new Set(documents.map(({ body }) => body.purposeId)));
    const items = documents.flatMap(({ id }) => shown.get(TemplateId.parse(id)) ?? []);
    const last = documents.at(-1);
    return { items, next: last && documents.length === limit ? String(Number(last.key.slice(-15))) : null };
  }

  private async shownOf(tenant: TenantId, subjectId: SubjectId, purposes: ReadonlySet<PurposeId>) {
    const readings = [...purposes].map((purposeId) => reading(TemplateStream, templateKey({ subjectId, purposeId })));
    const shown = new Map<TemplateId, TemplateShown>();
    for (const { state: templates } of await this.streams.loadMany(tenant, readings)) {
      const due = await this.dueDates.of(tenant, templates);
      for (const template of templates) {
        const { templateId } = template.terms;
        shown.set(templateId, showTemplate(template, due.get(templateId)));
      }
    }
    return shown;
  }
}

@Controller('v1/templates')
export class ListTemplatesRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('backend', 'device', 'registrar', 'dpo', 'auditor')
  @Reads(TemplatePage)
  list(
    @FromCaller() caller: Caller,
    @FromQuery({ schema: Selection }) selection: Selection,
    @FromPosition() position: number,
  ) {
    return this.queries.execute(new ListTemplates(caller, selection, position));
  }
}

@Controller('v1/me/templates')
export class ListMyTemplatesRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('patient')
  @Reads(TemplatePage)
  list(
    @FromPatient() caller: PatientCaller,
    @FromQuery({ schema: Page }) page: Page,
    @FromPosition() position: number,
  ) {
    return this.queries.execute(new ListTemplates(caller, { ...page, subjectId: caller.subjectId }, position));
  }
}
