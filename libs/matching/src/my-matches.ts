import { Controller, Query as FromQuery, Get } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type PatientCaller, readerOf } from '#lib/core';
import { AllowedTo, FromPatient, PageLimit, pageMax, Reads } from '#lib/http';
import { Clock, EventStore, Streams } from '#lib/ports';
import { SubjectStream } from '#lib/subjects/contract';
import { MatchStream, matchKeysBetween } from './match.stream.js';
import { MatchOfSubject } from './show-match.js';

/** How many matches, counted from the newest, were seen: they are only ever added in front, so a page may repeat some. */
const Cursor = z.string().regex(/^\d{4}-\d{2}\.\d{1,9}$/);

const Selection = z.strictObject({
  cursor: Cursor.optional(),
  limit: PageLimit,
});
type Selection = z.output<typeof Selection>;

export const MatchPage = z
  .object({ items: z.array(MatchOfSubject).max(pageMax), next: Cursor.nullable() })
  .meta({ id: 'MatchPage' });
type MatchPage = z.output<typeof MatchPage>;

const read = readerOf(MatchStream.events);

/** Who compared a patient's face, newest first. Reads the streams, not a view: nothing that was decided is missing. */
export class ListMyMatches extends Query<MatchPage> {
  constructor(
    readonly caller: PatientCaller,
    readonly selection: Selection,
  ) {
    super();
  }
}

@QueryHandler(ListMyMatches)
export class ListMyMatchesHandler implements IQueryHandler<ListMyMatches> {
  constructor(
    private readonly store: EventStore,
    private readonly streams: Streams,
    private readonly clock: Clock,
  ) {}

  /** Month by month, backwards from the cursor, until the page is full. A cursor is the last match that was shown. */
  async execute({ caller: { tenant, subjectId }, selection: { cursor, limit } }: ListMyMatches): Promise<MatchPage> {
    const { state: subject } = await this.streams.load(tenant, SubjectStream, subjectId);
    const now = this.clock.now();
    const from = new Date(subject.registeredAt ?? now);
    const [lastMonth, below] = cursor?.split('.') ?? [undefined, undefined];
    const keys = matchKeysBetween(subjectId, from, now).filter((key) => !lastMonth || monthOf(key) <= lastMonth);

    const items: MatchOfSubject[] = [];
    let next: string | null = null;
    for (const key of keys) {
      const stored = await this.store.read(tenant, `${MatchStream.name}-${key}`);
      const isPartial = monthOf(key) === lastMonth;
      for (const event of stored.filter(({ revision }) => !isPartial || revision < Number(below)).reverse()) {
        if (items.length === limit) return { items, next };
        const fact = read(event);
        if (!fact) continue;
        const { matchId, purposeId, checkpointId, decision } = fact.data;
        const place = checkpointId && { checkpointId };
        items.push({ matchId, at: event.at, purposeId, ...place, decision, actor: event.actor });
        next = `${monthOf(key)}.${event.revision}`;
      }
    }
    return { items, next: null };
  }
}

const monthOf = (key: string) => key.slice(-7);

@Controller('v1/me/matches')
export class ListMyMatchesRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('patient')
  @Reads(MatchPage)
  list(@FromPatient() caller: PatientCaller, @FromQuery({ schema: Selection }) selection: Selection) {
    return this.queries.execute(new ListMyMatches(caller, selection));
  }
}
