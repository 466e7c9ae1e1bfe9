import { Injectable } from '@nestjs/common';
import {
  ConsentExpired,
  ConsentGiven,
  ConsentRenewed,
  ConsentStream,
  type Consents,
  ConsentWithdrawn,
  consentKey,
  standing,
} from '#lib/consent/contract';
import { readerOf, type SubjectId, stateOf } from '#lib/core';
import { comparable } from '#lib/matching/contract';
import type { ModelIdentity } from '#lib/policy/contract';
import { Clock, Documents, EventStore, type StoredDocument } from '#lib/ports';
import { type Subject, SubjectErasureBegun, SubjectStream } from '#lib/subjects/contract';
import {
  type ListedTemplate,
  type Template,
  TemplateEnrolled,
  TemplateErased,
  TemplateErasureBegun,
  TemplateStream,
  TemplatesView,
  templateKey,
} from '#lib/templates/contract';
import type { GalleryName } from './gallery-name.js';
import { IdentificationDecided } from './identification.stream.js';

const listedMax = 1_000;
/** Facts to a page: to read as many, if all of them were to be looked into, holds nobody up for 5 ms. */
const newsMax = 250;

/** What changes who may be found. A suspended purpose and a superseded notice are looked at by each search. */
const readChange = readerOf([
  ConsentGiven,
  ConsentRenewed,
  ConsentWithdrawn,
  ConsentExpired,
  TemplateEnrolled,
  TemplateErasureBegun,
  TemplateErased,
  SubjectErasureBegun,
]);
const readSearch = readerOf([IdentificationDecided]);

/** The templates of one subject, as the streams have them. */
export interface Member {
  readonly subjectId: SubjectId;
  /** Those that a probe may be compared with. */
  readonly kept: readonly Template[];
  /** All others there ever were. */
  readonly others: readonly Template[];
}

/** What a page of the log says to who keeps a gallery. */
export interface LogNews {
  readonly place: number;
  readonly isEnd: boolean;
  /** Whose templates or consents changed, in the order of the log. */
  readonly subjects: readonly SubjectId[];
  /** When the purpose was searched. */
  readonly searchedAt: readonly string[];
}

/** Who belongs into the gallery of a purpose, by the authoritative streams; and what the log says of it since. */
@Injectable()
export class GalleryMembers {
  constructor(
    private readonly store: EventStore,
    private readonly documents: Documents,
    private readonly view: TemplatesView,
    private readonly clock: Clock,
  ) {}

  /**
   * All subjects with a template of the purpose, and a place in the log: who is not among them was enrolled after it. The
   * view may show more than its place says, never less, so to go on from there does again what was done at most.
   */
  async listed({ tenant, purposeId }: GalleryName): Promise<{ place: number; subjects: readonly SubjectId[] }> {
    const place = await this.documents.position(tenant, this.view.name);
    const subjects = new Set<SubjectId>();
    for (let after: StoredDocument | undefined; ; ) {
      const page: readonly StoredDocument<ListedTemplate>[] = await this.documents.range(tenant, this.view.name, {
        from: '',
        below: '~',
        ...(after && { after }),
        limit: listedMax,
      });
      for (const { body } of page) {
        if (body.purposeId === purposeId && body.state === 'active') subjects.add(body.subjectId);
      }
      after = page.at(-1);
      if (page.length < listedMax) return { place, subjects: [...subjects] };
    }
  }

  /** As they are now, in one round trip. Nothing of it is remembered: a large gallery would push out all else. */
  async of({ tenant, purposeId, model }: GalleryName, subjectIds: readonly SubjectId[]): Promise<Member[]> {
    const names = subjectIds.flatMap((subjectId) => [
      `${TemplateStream.name}-${templateKey({ subjectId, purposeId })}`,
      `${ConsentStream.name}-${consentKey({ subjectId, purposeId })}`,
      `${SubjectStream.name}-${subjectId}`,
    ]);
    const stored = await this.store.readMany(tenant, names);
    const now = this.clock.now();
    return subjectIds.map((subjectId, n) => {
      const [templates = [], consents = [], subject = []] = stored.slice(n * 3, n * 3 + 3);
      const all = stateOf(TemplateStream, templates);
      const kept = keptOf(all, stateOf(ConsentStream, consents), stateOf(SubjectStream, subject), model, now);
      return { subjectId, kept, others: all.filter((template) => !kept.includes(template)) };
    });
  }

  /** What the log says after `place`. */
  async since({ tenant, purposeId }: GalleryName, place: number): Promise<LogNews> {
    const events = await this.store.readLog(tenant, place, newsMax);
    const subjects = new Set<SubjectId>();
    const searchedAt: string[] = [];
    for (const event of events) {
      const change = readChange(event)?.data;
      if (change && (!('purposeId' in change) || change.purposeId === purposeId)) subjects.add(change.subjectId);
      if (readSearch(event)?.data.purposeId === purposeId) searchedAt.push(event.at);
    }
    const last = events.at(-1)?.sequence ?? place;
    return { place: last, isEnd: events.length < newsMax, subjects: [...subjects], searchedAt };
  }
}

function keptOf(
  templates: readonly Template[],
  consents: Consents,
  { status }: Subject,
  model: ModelIdentity,
  now: Date,
): readonly Template[] {
  const consent = status === 'registered' ? standing(consents, now) : undefined;
  return consent ? comparable(templates, consents, consent, model) : [];
}
