import { Body, Controller, Param, Put } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, type EventOf, Sha256 } from '#lib/core';
import { AllowedTo, FromCaller, Writes } from '#lib/http';
import { type Changed, Streams } from '#lib/ports';
import {
  type Notice,
  NoticeId,
  NoticeNumber,
  NoticePublished,
  NoticeStream,
  NoticeText,
  refusals,
} from './notice.stream.js';
import { hashOf } from './notice-hash.js';

export const NoticeParams = z.object({ noticeId: NoticeId });
export type NoticeParams = z.output<typeof NoticeParams>;

/** A text, and the version it takes the place of; the first supersedes none. */
const Publication = NoticeText.extend({ supersedes: NoticeNumber.optional() });
type Publication = z.output<typeof Publication>;

const Published = z.object({ noticeId: NoticeId, version: NoticeNumber, hash: Sha256 }).meta({ id: 'NoticePublished' });

export class PublishNotice extends Command<Changed<Notice>> {
  constructor(
    readonly caller: Caller,
    readonly noticeId: NoticeId,
    readonly text: NoticeText,
    readonly supersedes?: number,
  ) {
    super();
  }
}

/** What this very publication made, whatever was published since; or the current version, where it has the text already. */
const publishedBy = (notice: Notice, { text, supersedes = 0 }: Pick<PublishNotice, 'text' | 'supersedes'>) => {
  const hash = hashOf(text);
  const own = notice.find((each) => each.version === supersedes + 1 && each.hash === hash);
  const current = notice.at(-1);
  return own ?? (current?.hash === hash ? current : undefined);
};

/**
 * A repeat records nothing, however late, nor does the current text again. Any other must say which version it
 * supersedes, so that of two people who change a notice at once the second one learns of the first (FRT-4).
 */
export const publishNotice = (
  notice: Notice,
  { noticeId, text, supersedes }: PublishNotice,
): EventOf<typeof NoticePublished>[] => {
  if (publishedBy(notice, { text, supersedes })) return [];
  const current = notice.at(-1);
  if (supersedes !== current?.version) throw refusals['notice-not-current']();
  return [NoticePublished({ noticeId, version: (current?.version ?? 0) + 1, hash: hashOf(text), ...text })];
};

@CommandHandler(PublishNotice)
export class PublishNoticeHandler implements ICommandHandler<PublishNotice> {
  constructor(private readonly streams: Streams) {}

  execute(command: PublishNotice) {
    return this.streams.change(command.caller, NoticeStream, command.noticeId, (notice) =>
      publishNotice(notice, command),
    );
  }
}

@Controller('v1/notices/:noticeId')
export class PublishNoticeRoute {
  constructor(private readonly commands: CommandBus) {}

  @Put()
  @AllowedTo('dpo')
  @Writes([201, 200], Published)
  async publish(
    @FromCaller() caller: Caller,
    @Param({ schema: NoticeParams }) { noticeId }: NoticeParams,
    @Body({ schema: Publication }) { supersedes, ...text }: Publication,
  ) {
    const changed = await this.commands.execute(new PublishNotice(caller, noticeId, text, supersedes));
    return { ...changed, answer: { noticeId, ...publishedBy(changed.state, { text, supersedes }) } };
  }
}
