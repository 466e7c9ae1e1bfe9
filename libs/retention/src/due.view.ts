import { Injectable } from '@nestjs/common';
import { ConsentExpired, type ConsentId, ConsentRenewed, ConsentWithdrawn } from '#lib/consent/contract';
import { type EventOf, readerOf, type SubjectId, type TenantId } from '#lib/core';
import { MatchDecided } from '#lib/matching/contract';
import type { PurposeId } from '#lib/policy/contract';
import { type DocumentChange, Documents, DocumentView, type Shown, type StoredEvent } from '#lib/ports';
import { TemplateEnrolled, TemplateErasureBegun, type TemplateId, templateKey } from '#lib/templates/contract';
import { type Due, dayOf, dueOf, type Keeping } from './due.js';

/** A template that is kept, and what its due date depends on. */
interface KeptTemplate extends Pick<Keeping, 'enrolledAt' | 'retention' | 'consentValidUntil'> {
  readonly templateId: TemplateId;
  /** The consent it was enrolled under, or the last that took its place. */
  readonly consentId: ConsentId;
}

/** What is kept of one subject for one purpose, and the day (UTC) it was last of use. */
export interface Kept {
  readonly subjectId: SubjectId;
  readonly purposeId: PurposeId;
  readonly usedOn?: string;
  readonly templates: readonly KeptTemplate[];
}

export interface DueTemplate extends Due {
  readonly templateId: TemplateId;
}

const read = readerOf([
  TemplateEnrolled,
  TemplateErasureBegun,
  ConsentRenewed,
  ConsentWithdrawn,
  ConsentExpired,
  MatchDecided,
]);

/** When each of the templates is due, the earliest first. */
export const dueIn = ({ templates, usedOn }: Kept): DueTemplate[] =>
  templates
    .map(({ templateId, ...keeping }) => ({ templateId, ...dueOf({ ...keeping, lastAcceptedAt: usedOn }) }))
    .sort((a, b) => (`${a.dueAt} ${a.templateId}` < `${b.dueAt} ${b.templateId}` ? -1 : 1));

const rememberedMax = 50_000;

/**
 * What is kept, by subject and purpose, in the order it is due: whatever is due stands in front, so a sweep reads no more
 * than that. An accept changes it once a day at most, and is looked up hardly more often.
 */
@Injectable()
export class DueView extends DocumentView<Kept> {
  readonly name = 'due';
  /** Which documents are known to show a use, and of which day: a further one of that day changes nothing. */
  private readonly usedOn = new Map<string, string>();

  /** What each event was found to say: it is asked three times, and to read a fact is to check it. */
  private readonly bearings = new WeakMap<StoredEvent, Bearing>();

  constructor(documents: Documents) {
    super(documents);
  }

  override async take(events: readonly StoredEvent[]): Promise<void> {
    const [first] = events;
    if (!first) return;
    const position = await this.position(first.tenant);
    const fresh = events.filter(({ sequence }) => sequence > position);
    // What else comes of a place may take the use away, before the next one among the same events.
    for (const stored of fresh) this.unlessUsed(stored);
    try {
      await super.take(events);
    } catch (error) {
      // What was not stored was not shown either.
      this.usedOn.clear();
      throw error;
    }
    for (const stored of fresh) this.note(stored);
  }

  /** Another process may have kept the view meanwhile. */
  override reread(): void {
    this.usedOn.clear();
    super.reread();
  }

  override async clear(tenant: TenantId): Promise<void> {
    this.usedOn.clear();
    await super.clear(tenant);
  }

  protected changes(stored: StoredEvent): readonly DocumentChange<Kept>[] {
    const bearing = this.bearingOf(stored);
    if (!bearing) return [];
    const { event, id, place, isUse } = bearing;
    if (isUse && (this.usedOn.get(place) ?? '') >= dayOf(stored.at)) return [];
    return [{ id, change: (before) => changed(before, event, stored.at) }];
  }

  private bearingOf(stored: StoredEvent): Bearing {
    if (!this.bearings.has(stored)) this.bearings.set(stored, bearingOf(stored));
    return this.bearings.get(stored);
  }

  private unlessUsed(stored: StoredEvent): void {
    const bearing = this.bearingOf(stored);
    if (bearing && !bearing.isUse) this.usedOn.delete(bearing.place);
  }

  /** Of what is stored by now. A use of something that is not kept changes nothing on that day again, until it is. */
  private note(stored: StoredEvent): void {
    const bearing = this.bearingOf(stored);
    if (bearing?.isUse) this.remember(bearing.place, dayOf(stored.at));
    else this.unlessUsed(stored);
  }

  /** Full, it begins anew: what is forgotten is looked up once more. */
  private remember(place: string, day: string): void {
    if (this.usedOn.size >= rememberedMax) this.usedOn.clear();
    this.usedOn.set(place, day);
  }
}

type Bearing = ReturnType<typeof bearingOf>;

/** What an event has to do with what is kept; undefined for nothing. */
function bearingOf(stored: StoredEvent) {
  const event = read(stored);
  if (!event) return undefined;
  const isUse = event.type === 'matching.decided';
  if (isUse && event.data.decision !== 'accept') return undefined;
  const id = templateKey(event.data);
  return { event, id, place: `${stored.tenant}/${id}`, isUse };
}

function changed(
  before: Shown<Kept> | undefined,
  event: NonNullable<ReturnType<typeof read>>,
  at: string,
): Shown<Kept> | undefined {
  if (event.type === 'template.enrolled') return shown(withTemplate(before?.body, event.data, at));
  if (!before) return undefined;
  const { body } = before;
  switch (event.type) {
    case 'template.erasure-begun':
      return shown({ ...body, templates: body.templates.filter((each) => each.templateId !== event.data.templateId) });
    case 'consent.renewed': {
      const { replaces, consentId, validUntil } = event.data;
      return shown(underConsent(body, replaces, { consentId, consentValidUntil: validUntil }));
    }
    case 'consent.withdrawn':
    case 'consent.expired':
      return shown(endedBy(body, event.data.consentId, at));
    case 'matching.decided': {
      const usedOn = dayOf(at);
      return body.usedOn && body.usedOn >= usedOn ? before : shown({ ...body, usedOn });
    }
  }
}

/** Nothing kept is nothing shown. */
function shown(body: Kept): Shown<Kept> | undefined {
  const [first] = dueIn(body);
  return first && { key: first.dueAt, body };
}

function withTemplate(before: Kept | undefined, terms: EventOf<typeof TemplateEnrolled>['data'], at: string): Kept {
  const { templateId, subjectId, purposeId, consentId, consentValidUntil, retention } = terms;
  const kept = { templateId, enrolledAt: at, consentId, consentValidUntil, retention };
  return { ...(before ?? { subjectId, purposeId }), templates: [...(before?.templates ?? []), kept] };
}

const underConsent = (
  body: Kept,
  consentId: ConsentId,
  change: Pick<KeptTemplate, 'consentId' | 'consentValidUntil'>,
): Kept => ({
  ...body,
  templates: body.templates.map((kept) => (kept.consentId === consentId ? { ...kept, ...change } : kept)),
});

/** A consent that ended makes its templates due at once, unless they were before. */
const endedBy = (body: Kept, consentId: ConsentId, at: string): Kept => {
  const [valid] = body.templates.filter((kept) => kept.consentId === consentId);
  if (!valid || Date.parse(valid.consentValidUntil) <= Date.parse(at)) return body;
  return underConsent(body, consentId, { consentId, consentValidUntil: at });
};
