import { Controller, Query as FromQuery, Get } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, Instant, Slug } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { Decision } from '#lib/matching/contract';
import { PurposeId } from '#lib/policy/contract';
import { Clock } from '#lib/ports';
import { OverdueTemplates } from '#lib/retention/contract';
import { ReportSelection } from './lifecycle-route.js';
import { LogPages } from './log-pages.js';
import { refusals } from './refusals.js';
import { Summary } from './summarize.js';

const Count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** How long something took, in milliseconds; null where nothing was measured. */
const Latency = z.object({
  count: Count,
  medianMs: Count.nullable(),
  p99Ms: Count.nullable(),
  maxMs: Count.nullable(),
});

const Shown = z
  .object({
    position: Count,
    from: Instant.nullable(),
    to: Instant.nullable(),
    purposeId: PurposeId.nullable(),
    facts: z.record(Slug.or(z.string().max(60)), Count),
    matches: z.record(Decision, Count),
    /** Among many: how many there were, and how many of them named somebody. */
    searches: z.object({ count: Count, named: Count }),
    latencies: z.object({ withdrawalToBlock: Latency, withdrawalToErasure: Latency }),
    /** Consents that were refused, and how many of those who refused have consented since. */
    refusals: z.object({ count: Count, consentedLater: Count }),
    templates: z.object({ living: Count, erasing: Count, erased: Count }),
    /** Templates past their due date now, whatever `at` says. */
    overdueNow: Count,
  })
  .meta({ id: 'Summary' });
type Shown = z.output<typeof Shown>;

/** Counts and latencies as of a position in the log: same position, same figures (P11), but for `overdueNow`. */
export class ReportSummary extends Query<Shown> {
  constructor(
    readonly caller: Caller,
    readonly selection: ReportSelection,
  ) {
    super();
  }
}

@QueryHandler(ReportSummary)
export class ReportSummaryHandler implements IQueryHandler<ReportSummary> {
  constructor(
    private readonly log: LogPages,
    private readonly overdue: OverdueTemplates,
    private readonly clock: Clock,
  ) {}

  async execute({ caller: { tenant }, selection }: ReportSummary): Promise<Shown> {
    const head = await this.log.head(tenant);
    const position = selection.at ?? head;
    if (position > head) throw refusals['position-ahead']({ errors: [{ path: 'at', code: 'too_big' }] });
    const summary = new Summary(selection);
    for await (const page of this.log.upTo(tenant, position)) for (const event of page) summary.add(event);
    const { from = null, to = null, purposeId = null } = selection;
    const overdueNow = await this.overdue.count(tenant, this.clock.now());
    return { position, from, to, purposeId, ...summary.figures(), overdueNow };
  }
}

@Controller('v1/reports/summary')
export class ReportSummaryRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo('dpo', 'auditor')
  @Reads(Shown)
  report(@FromCaller() caller: Caller, @FromQuery({ schema: ReportSelection }) selection: ReportSelection) {
    return this.queries.execute(new ReportSummary(caller, selection));
  }
}
