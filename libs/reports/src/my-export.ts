import { Controller, Get } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { ConsentShown, ListConsents } from '#lib/consent/queries';
import { Instant, type PatientCaller } from '#lib/core';
import { AllowedTo, FromPatient, Reads } from '#lib/http';
import { PersonalData } from '#lib/keys/contract';
import { ListMyMatches, MatchOfSubject } from '#lib/matching/queries';
import { Clock, EventStore, Streams } from '#lib/ports';
import { Identity, identityContext, SubjectStream } from '#lib/subjects/contract';
import { Me, ShowMe } from '#lib/subjects/queries';
import { ListTemplates, TemplateShown } from '#lib/templates/queries';

const pageMax = 200;
const listMax = 10_000;

/**
 * All that is kept of a patient, for them to take away (GDPR-5, PIPL-6): who they are here, what they consented to, what
 * was enrolled and what was compared, the newest 10,000 of each. A template is described and never shown: a vector is of
 * use to whoever steals it and to nobody else.
 */
const Export = z
  .object({
    exportedAt: Instant,
    subject: Me,
    identity: Identity,
    consents: z.array(ConsentShown).max(listMax),
    templates: z.array(TemplateShown).max(listMax),
    matches: z.array(MatchOfSubject).max(listMax),
  })
  .meta({ id: 'Export' });
type Export = z.output<typeof Export>;

export class ExportMine extends Query<Export> {
  constructor(readonly caller: PatientCaller) {
    super();
  }
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** Page after page, as far as an export goes. */
async function all<Item>(read: (cursor: string | undefined) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor && items.length < listMax);
  return items.slice(0, listMax);
}

@QueryHandler(ExportMine)
export class ExportMineHandler implements IQueryHandler<ExportMine> {
  constructor(
    private readonly queries: QueryBus,
    private readonly streams: Streams,
    private readonly store: EventStore,
    private readonly personal: PersonalData,
    private readonly clock: Clock,
  ) {}

  /** As of the end of the log when it was asked for: what the patient did just before is in it. */
  async execute({ caller }: ExportMine): Promise<Export> {
    const { tenant, subjectId } = caller;
    const subject = await this.queries.execute(new ShowMe(caller));
    const position = await this.store.head(tenant);
    const page = (cursor = '0') => ({ cursor, limit: pageMax });
    return {
      exportedAt: this.clock.now().toISOString(),
      subject,
      identity: await this.identityOf(caller),
      consents: await all((cursor) =>
        this.queries.execute(new ListConsents(caller, subjectId, page(cursor), position)),
      ),
      templates: await all((cursor) =>
        this.queries.execute(new ListTemplates(caller, { subjectId, ...page(cursor) }, position)),
      ),
      matches: await all((cursor) => this.queries.execute(new ListMyMatches(caller, { cursor, limit: pageMax }))),
    };
  }

  private async identityOf({ tenant, subjectId }: PatientCaller): Promise<Identity> {
    const { state } = await this.streams.load(tenant, SubjectStream, subjectId);
    return Identity.parse(await this.personal.open(tenant, subjectId, identityContext, state.sealed ?? ''));
  }
}

@Controller('v1/me/export')
export class ExportMineRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('patient')
  @Reads(Export)
  export(@FromPatient() caller: PatientCaller) {
    return this.queries.execute(new ExportMine(caller));
  }
}
