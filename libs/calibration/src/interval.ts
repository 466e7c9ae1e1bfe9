import { betaQuantile, studentSquare } from './beta.js';

/** Where a rate lies with 95 % confidence. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

const tail = 0.025;

/**
 * The 95 % interval of a rate of which `errors` of `count` were seen (Clopper and Pearson): it holds at least as often as
 * it says, at every rate. Neither need be whole: an effective count seldom is.
 */
export function intervalOf(errors: number, count: number): Interval {
  if (!(count > 0)) return { low: 0, high: 1 };
  const low = errors <= 0 ? 0 : betaQuantile(tail, errors, count - errors + 1);
  const high = errors >= count ? 1 : betaQuantile(1 - tail, errors + 1, count - errors);
  return { low, high };
}

/** Square of what the normal distribution exceeds, either way, one time in twenty. */
const normalSquare = 3.841458820694124;

/**
 * How many independent comparisons `count` are worth whose rate varies `designEffect` times as much as theirs would, where
 * that is known from `clusters` subjects only (Korn and Graubard).
 */
export function effectiveCount(count: number, designEffect: number, clusters: number): number {
  return ((count / designEffect) * normalSquare) / studentSquare(2 * tail, clusters - 1);
}
