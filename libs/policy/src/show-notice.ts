import { Controller, Query as FromQuery, Get, Param } from '@nestjs/common';
import { type IQueryHandler, Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, Instant, Sha256 } from '#lib/core';
import { AllowedTo, FromCaller, Reads } from '#lib/http';
import { Streams } from '#lib/ports';
import { type Notice, NoticeId, NoticeNumber, NoticeStream, NoticeText, refusals } from './notice.stream.js';
import { NoticeParams } from './publish-notice.js';
import { readers } from './readers.js';

const Version = z.object({ version: NoticeNumber, hash: Sha256, publishedAt: Instant });

/** One version's text, the current one's unless asked for another, and which versions there are. */
const NoticeShown = Version.extend({
  noticeId: NoticeId,
  text: NoticeText,
  versions: z.array(Version.extend({ material: z.boolean() })).max(10_000),
}).meta({ id: 'Notice' });
type NoticeShown = z.output<typeof NoticeShown>;

const Selection = z.strictObject({
  version: z
    .string()
    .regex(/^[1-9]\d{0,6}$/)
    .transform(Number)
    .optional(),
});
type Selection = z.output<typeof Selection>;

export class ShowNotice extends Query<NoticeShown> {
  constructor(
    readonly caller: Caller,
    readonly noticeId: NoticeId,
    readonly version?: number,
  ) {
    super();
  }
}

/** No version is ever gone: whoever consented can be shown what they agreed to (FRT-3). */
export const showNotice = (notice: Notice, { noticeId, version }: ShowNotice): NoticeShown => {
  const meant = version ? notice.find((each) => each.version === version) : notice.at(-1);
  if (!meant) throw refusals['notice-missing']();
  const versions = notice.map(({ text: { material }, ...each }) => ({ ...each, material }));
  return { noticeId, ...meant, versions };
};

@QueryHandler(ShowNotice)
export class ShowNoticeHandler implements IQueryHandler<ShowNotice> {
  constructor(private readonly streams: Streams) {}

  async execute(query: ShowNotice) {
    const { state: notice } = await this.streams.load(query.caller.tenant, NoticeStream, query.noticeId);
    return showNotice(notice, query);
  }
}

@Controller('v1/notices/:noticeId')
export class ShowNoticeRoute {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @AllowedTo(...readers)
  @Reads(NoticeShown)
  show(
    @FromCaller() caller: Caller,
    @Param({ schema: NoticeParams }) { noticeId }: NoticeParams,
    @FromQuery({ schema: Selection }) { version }: Selection,
  ) {
    return this.queries.execute(new ShowNotice(caller, noticeId, version));
  }
}
