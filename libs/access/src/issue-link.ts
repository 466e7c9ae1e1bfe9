import { Body, Controller, Param, Post } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type Caller, type EventOf, Instant, SubjectId } from '#lib/core';
import { AllowedTo, FromCaller, FromIdempotencyKey, Idempotent, PublicUrl, Writes } from '#lib/http';
import { idempotencyRefusals } from '#lib/idempotency/contract';
import { type Changed, KeyService, Random, reading, Streams } from '#lib/ports';
import { type Subject, SubjectStream, subjectRefusals } from '#lib/subjects/contract';
import { hashOf, makeCredential, textOf } from './credential.js';
import { type Link, LinkId, LinkIssued, LinkStream } from './link.stream.js';

const minuteMs = 60_000;

const LinkParams = z.object({ subjectId: SubjectId });
type LinkParams = z.output<typeof LinkParams>;

const LinkTerms = z.strictObject({ ttlMinutes: z.int().min(1).max(1_440) });
type LinkTerms = z.output<typeof LinkTerms>;

const LinkShown = z
  .object({ url: z.string().max(2_000), code: z.string().max(200), expiresAt: Instant })
  .meta({ id: 'Link' });

/** Issues a link for a subject of the tenant of `caller`. Of its code only the hash comes along. */
export class IssueLink extends Command<Changed<Link>> {
  constructor(
    readonly caller: Caller,
    readonly subjectId: SubjectId,
    readonly linkId: LinkId,
    readonly hash: string,
    readonly terms: LinkTerms,
  ) {
    super();
  }
}

/** A repeat is known by its id and hash, which both come from the caller's idempotency key: it records nothing. */
export const issueLink = (
  link: Link,
  { subjectId, linkId, hash, terms: { ttlMinutes } }: IssueLink,
  now: Date,
  subject: Subject,
): EventOf<typeof LinkIssued>[] => {
  if (subject.status !== 'registered') throw subjectRefusals.missing();
  if (link.status === 'none') {
    const expiresAt = new Date(now.getTime() + ttlMinutes * minuteMs).toISOString();
    return [LinkIssued({ linkId, subjectId, hash, expiresAt })];
  }
  const ttlMs = Date.parse(link.issue.expiresAt) - Date.parse(link.issue.at);
  if (link.issue.hash !== hash || link.subjectId !== subjectId || ttlMs !== ttlMinutes * minuteMs) {
    throw idempotencyRefusals['key-reused']();
  }
  return [];
};

@CommandHandler(IssueLink)
export class IssueLinkHandler implements ICommandHandler<IssueLink> {
  constructor(private readonly streams: Streams) {}

  execute(command: IssueLink) {
    return this.streams.change(
      command.caller,
      LinkStream,
      command.linkId,
      (link, now, [subject]) => issueLink(link, command, now, subject),
      [reading(SubjectStream, command.subjectId)],
    );
  }
}

@Controller('v1/subjects/:subjectId/links')
export class IssueLinkRoute {
  constructor(
    private readonly commands: CommandBus,
    private readonly keys: KeyService,
    private readonly random: Random,
    private readonly publicUrl: PublicUrl,
  ) {}

  /** The code stands behind `#`, which no browser sends: so that it comes into no log of a server on the way. */
  @Post()
  @AllowedTo('backend', 'registrar')
  @Idempotent('derived')
  @Writes([201], LinkShown)
  async issue(
    @FromCaller() caller: Caller,
    @Param({ schema: LinkParams }) { subjectId }: LinkParams,
    @Body({ schema: LinkTerms }) terms: LinkTerms,
    @FromIdempotencyKey() attempt: string | undefined,
  ) {
    const code = await makeCredential({ kind: 'lethe-link', ...caller, attempt }, this.keys, this.random);
    const command = new IssueLink(caller, subjectId, LinkId.parse(code.id), hashOf(code.secret), terms);
    const changed = await this.commands.execute(command);
    const { state } = changed;
    const expiresAt = state.status === 'none' ? undefined : state.issue.expiresAt;
    const text = textOf(code);
    return { ...changed, answer: { url: this.publicUrl.of(`/me#code=${text}`), code: text, expiresAt } };
  }
}
