import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ConsentStream, type Consents, consentKey } from '#lib/consent/contract';
import type { Caller, EventOf, SubjectId } from '#lib/core';
import { type Matches, MatchStream, matchKeysBetween } from '#lib/matching/contract';
import type { PurposeId } from '#lib/policy/contract';
import { Clock, reading, Streams } from '#lib/ports';
import {
  beginErasure,
  consentTriggerOf,
  type Template,
  type TemplateErasureBegun,
  type TemplateName,
  TemplateStream,
  templateKey,
} from '#lib/templates/contract';
import { consentEndOf, dueOf } from './due.js';

const dayMs = 86_400_000;

/** Begins the erasure of those templates of a subject and purpose that are due; answers which. */
export class EraseDue extends Command<readonly TemplateName[]> {
  constructor(
    readonly caller: Caller,
    readonly subjectId: SubjectId,
    readonly purposeId: PurposeId,
  ) {
    super();
  }
}

/** Decided on the streams alone: a job and a view only say where to look. */
export function eraseDue(
  templates: readonly Template[],
  consents: Consents,
  lastAcceptedAt: string | undefined,
  now: Date,
): EventOf<typeof TemplateErasureBegun>[] {
  const active = templates.filter(({ state }) => state === 'active');
  return active.flatMap((template) => {
    const { terms, enrolledAt } = template;
    const consentValidUntil = consentEndOf(consents, terms.consentId);
    const { dueAt, rule } = dueOf({ enrolledAt, retention: terms.retention, consentValidUntil, lastAcceptedAt });
    if (dueAt > now.toISOString()) return [];
    const trigger = rule === 'consent-validity' ? consentTriggerOf(template, consents) : rule;
    return beginErasure(templates, terms.templateId, trigger);
  });
}

/** Since when an accept matters: one before that keeps no template any longer. Undefined where none does. */
export function acceptsSince(templates: readonly Template[], now: Date): Date | undefined {
  const days = templates.flatMap(({ state, terms }) =>
    state === 'active' ? (terms.retention.inactivityDays ?? []) : [],
  );
  if (days.length === 0) return undefined;
  const enrolled = templates.map(({ enrolledAt }) => Date.parse(enrolledAt));
  // A day more, because the day of an accept counts from its beginning.
  return new Date(Math.max(Math.min(...enrolled), now.getTime() - (Math.max(...days) + 1) * dayMs));
}

@CommandHandler(EraseDue)
export class EraseDueHandler implements ICommandHandler<EraseDue> {
  constructor(
    private readonly streams: Streams,
    private readonly clock: Clock,
  ) {}

  /** Relies on the months it looked at: an accept that comes in between keeps the template. */
  async execute({ caller, subjectId, purposeId }: EraseDue) {
    const key = { subjectId, purposeId };
    const { state: before } = await this.streams.load(caller.tenant, TemplateStream, templateKey(key));
    const now = this.clock.now();
    const since = acceptsSince(before, now);
    const months = since ? matchKeysBetween(subjectId, since, now).map((month) => reading(MatchStream, month)) : [];
    const consents = reading(ConsentStream, consentKey(key));
    const { state, recorded, at } = await this.streams.change(
      caller,
      TemplateStream,
      templateKey(key),
      (templates, decidedAt, [consent, ...matches]) =>
        eraseDue(templates, consent, lastAcceptIn(matches, purposeId), decidedAt),
      [consents, ...months] as const,
    );
    const begun = state.filter(({ blockedAt }) => recorded && blockedAt === at.toISOString());
    return begun.map(({ terms: { templateId } }) => ({ templateId, ...key }));
  }
}

const lastAcceptIn = (months: readonly Matches[], purposeId: PurposeId): string | undefined =>
  months
    .flatMap(({ acceptedAt }) => acceptedAt[purposeId] ?? [])
    .sort()
    .at(-1);
