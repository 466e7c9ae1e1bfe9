import { readerOf } from '#lib/core';
import { IdentificationDecided } from '#lib/identification/contract';
import { MatchDecided } from '#lib/matching/contract';
import type { StoredEvent } from '#lib/ports';
import { isWithin, type LifecycleRow, type Selection } from './lifecycle-row.js';

const read = readerOf([MatchDecided, IdentificationDecided]);

const noMatches = { accept: 0, reject: 0, inconclusive: 0, unavailable: 0 };
const noSearches = { searches: 0, named: 0, candidates: 0 };
type Totals = { sequence: number; counts: Record<string, number> };

/**
 * Comparisons, and searches among many, by day and purpose: a report says how many there were, and of nobody who they were
 * with. Each candidate of a search is counted among the comparisons as well.
 */
export class DayTotals {
  private readonly days = new Map<string, Totals>();

  add(event: StoredEvent, selection: Selection): void {
    const fact = read(event);
    if (!fact || !isWithin(selection, event.at)) return;
    const { purposeId } = fact.data;
    if (selection.purposeId && purposeId !== selection.purposeId) return;
    const day = event.at.slice(0, 10);
    if (fact.type === 'matching.decided') {
      this.count(`${day} ${purposeId} matches`, event, noMatches, { [fact.data.decision]: 1 });
      return;
    }
    const { length } = fact.data.candidates;
    const counted = { searches: 1, named: length > 0 ? 1 : 0, candidates: length };
    this.count(`${day} ${purposeId} searches`, event, noSearches, counted);
  }

  /** In the order of day and purpose. `sequence` is that of the last fact counted. */
  rows(): LifecycleRow[] {
    const sorted = [...this.days].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([key, { sequence, counts }]) => {
      const [at = '', purposeId = '', fact = ''] = key.split(' ');
      const detail = Object.entries(counts)
        .map(([name, count]) => `${name}=${count}`)
        .join(' ');
      return { sequence, at, fact, purposeId, detail, subjectId: '', consentId: '', templateId: '', actor: '' };
    });
  }

  private count(
    key: string,
    { sequence }: StoredEvent,
    nothing: Readonly<Record<string, number>>,
    counted: Readonly<Record<string, number>>,
  ): void {
    const { counts } = this.days.get(key) ?? { counts: { ...nothing } };
    for (const [name, count] of Object.entries(counted)) counts[name] = (counts[name] ?? 0) + count;
    this.days.set(key, { sequence, counts });
  }
}
