import { Body, Controller, Post } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { ActorId, type EventOf, Instant, type SubjectId } from '#lib/core';
import { AllowedToAnyone, Writes } from '#lib/http';
import { type Changed, Random, reading, Streams } from '#lib/ports';
import { type Subject, SubjectStream } from '#lib/subjects/contract';
import { type Credential, hashOf, isSecretOf, parseCredential, textOf } from './credential.js';
import { type Link, LinkId, LinkStream, LinkUsed, refusals } from './link.stream.js';

const sessionMs = 30 * 60_000;

const Code = z.strictObject({ code: z.string().min(1).max(200) });
type Code = z.output<typeof Code>;

const SessionShown = z.object({ token: z.string().max(200), expiresAt: Instant }).meta({ id: 'Session' });

/** Uses up the code of a link, and begins the session that `hash` is the token's hash of. */
export class BeginSession extends Command<Changed<Link>> {
  constructor(
    readonly code: Credential,
    readonly hash: string,
  ) {
    super();
  }
}

/** Once only: of two who use the same code at the same time, one is told that it is used. */
export const beginSession = (
  link: Link,
  { code, hash }: BeginSession,
  now: Date,
  subject: Subject,
): EventOf<typeof LinkUsed>[] => {
  if (link.status !== 'issued' || !isSecretOf(link.issue.hash, code.secret)) throw refusals['code-invalid']();
  if (new Date(link.issue.expiresAt) <= now || subject.status !== 'registered') throw refusals['code-invalid']();
  const expiresAt = new Date(now.getTime() + sessionMs).toISOString();
  return [LinkUsed({ linkId: LinkId.parse(code.id), subjectId: link.subjectId, hash, expiresAt })];
};

@CommandHandler(BeginSession)
export class BeginSessionHandler implements ICommandHandler<BeginSession> {
  constructor(private readonly streams: Streams) {}

  async execute(command: BeginSession) {
    const { tenant, id } = command.code;
    const subjectId = subjectOf((await this.streams.load(tenant, LinkStream, id)).state);
    return this.streams.change(
      { tenant, actor: ActorId.parse(`link-${id}`) },
      LinkStream,
      id,
      (link, now, [subject]) => beginSession(link, command, now, subject),
      [reading(SubjectStream, subjectId)],
    );
  }
}

function subjectOf(link: Link): SubjectId {
  if (link.status === 'none') throw refusals['code-invalid']();
  return link.subjectId;
}

@Controller('v1/me/session')
export class BeginSessionRoute {
  constructor(
    private readonly commands: CommandBus,
    private readonly random: Random,
  ) {}

  /** The token is seen this once. Who loses it asks the hospital for another link. */
  @Post()
  @AllowedToAnyone()
  @Writes([201], SessionShown)
  async begin(@Body({ schema: Code }) { code: text }: Code) {
    const code = parseCredential(text);
    if (code?.kind !== 'lethe-link') throw refusals['code-invalid']();
    const secret = this.random.bytes(32).toString('base64url');
    const changed = await this.commands.execute(new BeginSession(code, hashOf(secret)));
    const expiresAt = changed.state.status === 'used' ? changed.state.session.expiresAt : undefined;
    return { ...changed, answer: { token: textOf({ ...code, kind: 'lethe-me', secret }), expiresAt } };
  }
}
