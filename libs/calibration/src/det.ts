import type { Outcomes, Rate } from './outcomes.js';

/** Both rates at one threshold. */
export interface ErrorRates {
  readonly threshold: number;
  readonly fmr: number;
  readonly fnmr: number;
}

/** A point of a DET curve: both rates at a threshold, with their intervals. */
export interface DetPoint {
  readonly threshold: number;
  readonly fmr: Rate;
  readonly fnmr: Rate;
}

/**
 * Both rates at every threshold that makes a difference, ascending: each score that occurs, and one above all of them,
 * which is written as infinite.
 */
export function* everyThreshold(mated: Outcomes, nonMated: Outcomes): Generator<ErrorRates> {
  let [below, belowToo] = [0, 0];
  for (;;) {
    const threshold = Math.min(mated.scores[below] ?? Infinity, nonMated.scores[belowToo] ?? Infinity);
    yield { threshold, fmr: (nonMated.count - belowToo) / nonMated.count, fnmr: below / mated.count };
    if (threshold === Infinity) return;
    while (mated.scores[below] === threshold) below += 1;
    while (nonMated.scores[belowToo] === threshold) belowToo += 1;
  }
}

/** Where the two rates are nearest to each other, and their mean there: the equal error rate. */
export function equalError(mated: Outcomes, nonMated: Outcomes): { threshold: number; rate: number } {
  let [nearest, found] = [Infinity, { threshold: Number.NaN, rate: Number.NaN }];
  for (const { threshold, fmr, fnmr } of everyThreshold(mated, nonMated)) {
    const apart = Math.abs(fmr - fnmr);
    if (apart < nearest) [nearest, found] = [apart, { threshold, rate: (fmr + fnmr) / 2 }];
    if (fnmr > fmr) break;
  }
  return found;
}

const growth = 1.12;

/** The scores at which 1, 2, … and then about an eighth more each time err: as many as a picture shows. */
function tellingScores({ scores, count, isMated }: Outcomes): number[] {
  const found: number[] = [];
  for (let errors = 1; errors <= count; errors = Math.max(errors + 1, Math.floor(errors * growth))) {
    found.push(scores[isMated ? errors - 1 : count - errors] as number);
  }
  return found;
}

/** Thresholds that draw the curve evenly where errors are few, at either end. Some hundreds, however many comparisons. */
export function curveThresholds(mated: Outcomes, nonMated: Outcomes): number[] {
  const scores = [...tellingScores(mated), ...tellingScores(nonMated)];
  return [...new Set(scores)].sort((a, b) => a - b);
}

/** One pass over the comparisons, however many thresholds. */
export function detPoints(mated: Outcomes, nonMated: Outcomes, thresholds: readonly number[]): DetPoint[] {
  const falseMatches = nonMated.ratesAt(thresholds);
  const falseNonMatches = mated.ratesAt(thresholds);
  return thresholds.map((threshold, n) => ({
    threshold,
    fmr: falseMatches[n] as Rate,
    fnmr: falseNonMatches[n] as Rate,
  }));
}
