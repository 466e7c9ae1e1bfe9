import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Caller } from '#lib/core';
import { DayTotals } from './day-totals.js';
import { type LifecycleRow, rowOf, type Selection } from './lifecycle-row.js';
import { type FormName, forms } from './lifecycle-text.js';
import { LogPages } from './log-pages.js';
import { refusals } from './refusals.js';

export interface LifecycleReport {
  /** The place in the log that the report shows, and all it shows. */
  readonly position: number;
  readonly contentType: string;
  readonly extension: string;
  /** The bytes, piece by piece; to be read once. Same position, same bytes (P11). */
  readonly content: AsyncGenerator<Buffer>;
}

/** Everything that happened to consents and templates, as of a position in the log; as of now where none is named. */
export class ReportLifecycle extends Query<LifecycleReport> {
  constructor(
    readonly caller: Caller,
    readonly selection: Selection,
    readonly form: FormName,
    readonly at: number | undefined,
  ) {
    super();
  }
}

@QueryHandler(ReportLifecycle)
export class ReportLifecycleHandler implements IQueryHandler<ReportLifecycle> {
  constructor(private readonly log: LogPages) {}

  async execute({ caller: { tenant }, selection, form: name, at }: ReportLifecycle): Promise<LifecycleReport> {
    const head = await this.log.head(tenant);
    const position = at ?? head;
    if (position > head) throw refusals['position-ahead']({ errors: [{ path: 'at', code: 'too_big' }] });
    const { contentType, extension } = forms[name];
    const content = textOf(this.log.upTo(tenant, position), selection, name, position);
    return { position, contentType, extension, content };
  }
}

async function* textOf(
  pages: ReturnType<LogPages['upTo']>,
  selection: Selection,
  name: FormName,
  position: number,
): AsyncGenerator<Buffer> {
  const form = forms[name];
  const totals = new DayTotals();
  let isFirst = true;
  const write = (rows: readonly LifecycleRow[]) => {
    const text = form.rows(rows, isFirst);
    isFirst &&= rows.length === 0;
    return Buffer.from(text);
  };
  yield Buffer.from(form.head(position));
  for await (const page of pages) {
    for (const event of page) totals.add(event, selection);
    const rows = page.flatMap((event) => rowOf(event, selection) ?? []);
    if (rows.length > 0) yield write(rows);
  }
  yield write(totals.rows());
  yield Buffer.from(form.tail);
}
