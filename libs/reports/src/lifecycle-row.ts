import { ConsentExpired, ConsentGiven, ConsentRefused, ConsentRenewed, ConsentWithdrawn } from '#lib/consent/contract';
import { readerOf } from '#lib/core';
import type { StoredEvent } from '#lib/ports';
import { SubjectErased, SubjectErasureBegun } from '#lib/subjects/contract';
import { TemplateEnrolled, TemplateErased, TemplateErasureBegun } from '#lib/templates/contract';

/** One line of the lifecycle report. Empty where a column does not apply. */
export interface LifecycleRow {
  readonly sequence: number;
  /** An instant; for totals, a day in UTC. */
  readonly at: string;
  /** The type of the fact, or of totals: `matches`, `searches`. */
  readonly fact: string;
  readonly subjectId: string;
  readonly purposeId: string;
  readonly consentId: string;
  readonly templateId: string;
  readonly actor: string;
  readonly detail: string;
}

export const columns = [
  'sequence',
  'at',
  'fact',
  'subjectId',
  'purposeId',
  'consentId',
  'templateId',
  'actor',
  'detail',
] as const satisfies (keyof LifecycleRow)[];

/** Which facts a report is about: an instant from `from` on and before `to`, and one purpose or all. */
export interface Selection {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly purposeId?: string | undefined;
}

const read = readerOf([
  ConsentGiven,
  ConsentRenewed,
  ConsentRefused,
  ConsentWithdrawn,
  ConsentExpired,
  TemplateEnrolled,
  TemplateErasureBegun,
  TemplateErased,
  SubjectErasureBegun,
  SubjectErased,
]);

const detailOf = (fact: NonNullable<ReturnType<typeof read>>): string => {
  switch (fact.type) {
    case 'consent.given':
    case 'consent.renewed': {
      const { noticeId, noticeVersion, channel, validUntil } = fact.data;
      return `channel=${channel} notice=${noticeId}@${noticeVersion} validUntil=${validUntil}`;
    }
    case 'consent.withdrawn':
      return `channel=${fact.data.channel}`;
    case 'consent.refused':
      return `channel=${fact.data.channel} checkpoint=${fact.data.checkpointId}`;
    case 'template.enrolled':
      return `model=${fact.data.model.id}@${fact.data.model.version} mode=${fact.data.mode}`;
    case 'template.erasure-begun':
    case 'template.erased':
      return `trigger=${fact.data.trigger}`;
    default:
      return '';
  }
};

export const isWithin = ({ from, to }: Selection, at: string): boolean => (!from || at >= from) && (!to || at < to);

/** The row of a fact; undefined for one that is no part of a lifecycle, or was not asked for. Pure. */
export function rowOf(event: StoredEvent, selection: Selection): LifecycleRow | undefined {
  const fact = read(event);
  if (!fact || !isWithin(selection, event.at)) return undefined;
  const data: { subjectId: string; purposeId?: string; consentId?: string; templateId?: string } = fact.data;
  const { subjectId, purposeId = '', consentId = '', templateId = '' } = data;
  if (selection.purposeId && purposeId !== selection.purposeId) return undefined;
  const { sequence, at, type, actor } = event;
  return { sequence, at, fact: type, subjectId, purposeId, consentId, templateId, actor, detail: detailOf(fact) };
}
