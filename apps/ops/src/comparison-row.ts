import { type Comparison, UnfitComparison } from '#lib/calibration';

/** Columns that a file of comparisons may have; others are passed over. */
export const columns = ['score', 'mated', 'group', 'subject_a', 'subject_b'] as const;
export const columnsNeeded = ['score', 'mated'] as const;

/** One row of such a file, whatever its form. */
export type ComparisonRow = Readonly<Partial<Record<(typeof columns)[number], unknown>>>;

/** A comparison of a row, with the line or row it stands in. */
export interface PlacedRow {
  readonly place: string;
  readonly row: ComparisonRow;
}

/** A file of comparisons that cannot be used, where, and why. */
export class UnfitFile extends Error {
  override readonly name = 'UnfitFile';
}

const matedWords: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  1: true,
  0: false,
  mated: true,
  'non-mated': false,
  genuine: true,
  impostor: false,
};

/** Rounding takes cosines of two equal embeddings this far out of their range. */
const slack = 1e-6;

/** @throws UnfitComparison */
export function comparisonOf(row: ComparisonRow): Comparison {
  const isMated = matedWords[textOf(row.mated).toLowerCase()];
  if (isMated === undefined) {
    throw new UnfitComparison(
      `mated is ${shown(row.mated)}: true, 1, mated or genuine, else false, 0, non-mated or impostor`,
    );
  }
  const group = textOf(row.group);
  const subjects = subjectsOf(textOf(row.subject_a), textOf(row.subject_b), isMated);
  return { score: scoreOf(row.score), isMated, ...(group && { group }), ...(subjects && { subjects }) };
}

function scoreOf(given: unknown): number {
  const text = typeof given === 'boolean' ? '' : textOf(given);
  const score = typeof given === 'number' ? given : text === '' ? Number.NaN : Number(text);
  if (!(Math.abs(score) <= 1 + slack)) throw new UnfitComparison(`score is ${shown(given)}: a cosine, from -1 to 1`);
  return Math.max(-1, Math.min(1, score));
}

function subjectsOf(one: string, other: string, isMated: boolean): [string, string] | undefined {
  if (one === '' && other === '') return undefined;
  if (isMated) return [one || other, other || one];
  if (one === '' || other === '') throw new UnfitComparison('it is non-mated, but names one subject');
  return [one, other];
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : '';
}

const shown = (value: unknown): string => {
  if (value === undefined || value === null || value === '') return 'missing';
  return JSON.stringify(typeof value === 'bigint' ? String(value) : value).slice(0, 40);
};
