import { Controller, Query as FromQuery, Get } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, Instant, SubjectId, type TenantId } from '#lib/core';
import { AllowedTo, FromCaller, FromPosition, PageLimit, pageMax, Reads } from '#lib/http';
import { PurposeId } from '#lib/policy/contract';
import { Clock, Documents, type StoredDocument } from '#lib/ports';
import { TemplateId } from '#lib/templates/contract';
import { DueRule } from './due.js';
import { DueView, dueIn, type Kept } from './due.view.js';

/** After every instant there is. */
const never = '~';

/** The document of the last row shown, and how many of its rows were. */
const Cursor = z.string().regex(/^[0-9TZ:.+-]{20,27}~[a-z0-9-]{38,100}~\d{1,3}$/);

const Page = z.strictObject({
  cursor: Cursor.optional(),
  limit: PageLimit,
});
type Page = z.output<typeof Page>;

const DueSelection = Page.extend({ before: Instant.optional() });
type DueSelection = z.output<typeof DueSelection>;

/** A template that must go at `dueAt`, and the rule that says so. */
const DueRow = z
  .object({ templateId: TemplateId, subjectId: SubjectId, purposeId: PurposeId, dueAt: Instant, rule: DueRule })
  .meta({ id: 'DueTemplate' });
type DueRow = z.output<typeof DueRow>;

/** In the order they are due in. `next` is the cursor of the next page, null where there is none. */
const DuePage = z
  .object({ items: z.array(DueRow).max(pageMax), next: Cursor.nullable() })
  .meta({ id: 'DueTemplatePage' });
type DuePage = z.output<typeof DuePage>;

/** Templates that are due before an instant, or at any time; those being erased are not among them. */
export class ListDue extends Query<DuePage> {
  constructor(
    readonly caller: Caller,
    readonly before: Date | undefined,
    readonly page: Page,
    readonly position: number,
  ) {
    super();
  }
}

@QueryHandler(ListDue)
export class ListDueHandler implements IQueryHandler<ListDue> {
  constructor(
    private readonly view: DueView,
    private readonly documents: Documents,
    private readonly clock: Clock,
  ) {}

  async execute({ caller: { tenant }, before, page: { cursor, limit }, position }: ListDue): Promise<DuePage> {
    await this.view.reach(tenant, position, this.clock);
    const below = before?.toISOString() ?? never;
    const [key = '', id = '', shown = '0'] = cursor?.split('~') ?? [];
    const documents = await this.from(tenant, key, id, below, limit);
    const items: DueRow[] = [];
    let next: string | null = null;
    for (const document of documents) {
      const { subjectId, purposeId } = document.body;
      const rows = dueIn(document.body).filter(({ dueAt }) => dueAt < below);
      for (let n = document.id === id ? Number(shown) : 0; n < rows.length; n++) {
        if (items.length === limit) return { items, next };
        const { templateId, dueAt, rule } = rows[n] as (typeof rows)[number];
        items.push({ templateId, subjectId, purposeId, dueAt, rule });
        next = `${document.key}~${document.id}~${n + 1}`;
      }
    }
    return { items, next: null };
  }

  /** The document the cursor stands in, if it is still there, and those after it: each has a row, so these are enough. */
  private async from(tenant: TenantId, key: string, id: string, below: string, limit: number) {
    const range = { from: key, below, limit: limit + 1 };
    if (!id) return this.documents.range<Kept>(tenant, this.view.name, range);
    const [begun] = await this.documents.get<Kept>(tenant, this.view.name, [id]);
    const rest = await this.documents.range<Kept>(tenant, this.view.name, { ...range, after: { key, id } });
    const isThere = (document: StoredDocument<Kept> | undefined) => document?.key === key;
    return begun && isThere(begun) ? [begun, ...rest] : rest;
  }
}

@Controller('v1/retention/due')
export class ListDueRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('dpo', 'auditor')
  @Reads(DuePage)
  list(
    @FromCaller() caller: Caller,
    @FromQuery({ schema: DueSelection }) { before, ...page }: DueSelection,
    @FromPosition() position: number,
  ) {
    return this.queries.execute(new ListDue(caller, before ? new Date(before) : undefined, page, position));
  }
}

/** What is late: due, and its erasure not begun. Empty in a system that works, but for the moments before a sweep. */
@Controller('v1/retention/overdue')
export class ListOverdueRoute {
  constructor(
    private readonly queries: QueryBus,
    private readonly clock: Clock,
  ) {}

  @Get()
  @AllowedTo('dpo', 'auditor')
  @Reads(DuePage)
  list(@FromCaller() caller: Caller, @FromQuery({ schema: Page }) page: Page, @FromPosition() position: number) {
    return this.queries.execute(new ListDue(caller, this.clock.now(), page, position));
  }
}
