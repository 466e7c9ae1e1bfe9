import type { Outcomes } from './outcomes.js';

/** Thresholds have four digits: a fifth would describe these comparisons only. */
const steps = 10_000;

/** The lowest threshold, in whole steps, at which at most a share of `target` of the non-mated comparisons matches. */
export function thresholdFor(nonMated: Outcomes, target: number): number {
  const allowed = Math.floor(target * nonMated.count + 1e-9);
  const highest = nonMated.scores[nonMated.count - 1 - allowed];
  if (highest === undefined) return nonMated.scores[0] ?? Number.NaN;
  let step = Math.floor(highest * steps) - 1;
  while (step / steps <= highest) step += 1;
  return step / steps;
}

/**
 * What comparisons can say of a rate. *three*: had none erred, the rate would be shown to be no more than this (rule of
 * three: 3/n). *thirty*: thirty errors are expected, and the rate is known to about a third of it (rule of 30).
 */
export type Support = 'none' | 'three' | 'thirty';

/** `effective` counts independent comparisons: many of few people are worth less than they are many. */
export function supportOf(target: number, effective: number): Support {
  const expected = target * effective;
  if (expected >= 30) return 'thirty';
  return expected >= 3 ? 'three' : 'none';
}
