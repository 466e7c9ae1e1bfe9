import type { Comparisons } from './comparisons.js';
import { curveThresholds, type DetPoint, detPoints, equalError } from './det.js';
import { type GroupRates, groupRates } from './groups.js';
import { intervalOf } from './interval.js';
import type { Outcomes, Rate } from './outcomes.js';
import { type Support, supportOf, thresholdFor } from './threshold.js';

/** The false match rates that a report names where the sample reaches so far. */
export const targets = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6] as const;

/** A threshold made for a false match rate, and what is known of both errors there. */
export interface OperatingPoint {
  readonly target: number;
  readonly threshold: number;
  readonly fmr: Rate;
  readonly fnmr: Rate;
  readonly support: Support;
}

export interface Calibration {
  readonly mated: number;
  readonly nonMated: number;
  readonly subjects: number | undefined;
  readonly accept: OperatingPoint;
  readonly review: OperatingPoint;
  readonly targets: readonly OperatingPoint[];
  /** Where both rates are nearest to each other, and their mean there. */
  readonly equalError: { readonly threshold: number; readonly rate: number };
  readonly curve: readonly DetPoint[];
  readonly groups: readonly GroupRates[];
  /** Of how many people no reference could be made. */
  readonly failureToEnrol?: Rate;
}

export interface Wanted {
  /** False match rates, at most, from which a comparison accepts and is inconclusive. */
  readonly fmr: number;
  readonly reviewFmr: number;
  readonly enrolments?: { readonly failed: number; readonly attempted: number } | undefined;
}

/**
 * What comparisons whose truth is known say of thresholds (ISO/IEC 19795-1). There must be mated and non-mated ones. The
 * same comparisons in any order give the same figures.
 */
export function calibrate(comparisons: Comparisons, { fmr, reviewFmr, enrolments }: Wanted): Calibration {
  const mated = comparisons.outcomes(true);
  const nonMated = comparisons.outcomes(false);
  const asked = [fmr, reviewFmr, ...targets];
  const [accept, review, ...others] = operatingPoints(mated, nonMated, asked) as [OperatingPoint, OperatingPoint];
  const failureToEnrol = enrolments && proportion(enrolments.failed, enrolments.attempted);
  return {
    mated: mated.count,
    nonMated: nonMated.count,
    subjects: comparisons.subjectCount,
    accept,
    review,
    targets: others,
    equalError: equalError(mated, nonMated),
    curve: detPoints(mated, nonMated, curveThresholds(mated, nonMated)),
    groups: groupRates(comparisons, accept.threshold),
    ...(failureToEnrol && { failureToEnrol }),
  };
}

function operatingPoints(mated: Outcomes, nonMated: Outcomes, asked: readonly number[]): OperatingPoint[] {
  const thresholds = asked.map((target) => thresholdFor(nonMated, target));
  const falseMatches = nonMated.ratesAt(thresholds);
  const falseNonMatches = mated.ratesAt(thresholds);
  return asked.map((target, n) => {
    const rate = falseMatches[n] as Rate;
    return {
      target,
      threshold: thresholds[n] as number,
      fmr: rate,
      fnmr: falseNonMatches[n] as Rate,
      support: supportOf(target, rate.effective),
    };
  });
}

/** People are enrolled one by one: these are independent. */
const proportion = (errors: number, count: number): Rate => ({
  errors,
  count,
  rate: errors / count,
  interval: intervalOf(errors, count),
  effective: count,
});
