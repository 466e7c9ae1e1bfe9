import { ConsentExpired, ConsentGiven, ConsentRefused, ConsentRenewed, ConsentWithdrawn } from '#lib/consent/contract';
import { readerOf } from '#lib/core';
import { type Decision, MatchDecided } from '#lib/matching/contract';
import type { StoredEvent } from '#lib/ports';
import { SubjectErased, SubjectErasureBegun } from '#lib/subjects/contract';
import { TemplateEnrolled, TemplateErased, TemplateErasureBegun } from '#lib/templates/contract';

/** One line of the lifecycle report. Empty where a column does not apply. */
export interface LifecycleRow {
  readonly sequence: number;
  /** An instant; for `matches`, a day in UTC. */
  readonly at: string;
  /** The type of the fact, or `matches`. */
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
const readMatch = readerOf([MatchDecided]);

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

/** Comparisons by day and purpose: a report says how many there were, and of nobody who they were with. */
export class MatchTotals {
  private readonly days = new Map<string, Record<Decision, number> & { sequence: number }>();

  add(event: StoredEvent, selection: Selection): void {
    const { data } = readMatch(event) ?? {};
    if (!data || !isWithin(selection, event.at)) return;
    if (selection.purposeId && data.purposeId !== selection.purposeId) return;
    const key = `${event.at.slice(0, 10)} ${data.purposeId}`;
    const totals = this.days.get(key) ?? { sequence: 0, accept: 0, reject: 0, inconclusive: 0, unavailable: 0 };
    totals[data.decision] += 1;
    totals.sequence = event.sequence;
    this.days.set(key, totals);
  }

  /** In the order of day and purpose. `sequence` is that of the last comparison counted. */
  rows(): LifecycleRow[] {
    const sorted = [...this.days].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([key, { sequence, ...totals }]) => {
      const [at = '', purposeId = ''] = key.split(' ');
      const detail = Object.entries(totals)
        .map(([decision, count]) => `${decision}=${count}`)
        .join(' ');
      const nobody = { subjectId: '', consentId: '', templateId: '', actor: '' };
      return { ...nobody, sequence, at, fact: 'matches', purposeId, detail };
    });
  }
}
