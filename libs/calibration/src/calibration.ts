import type { Comparisons } from './comparisons.js';
import { curveThresholds, type DetPoint, detPoints, equalError } from './det.js';
import { type GroupRates, groupRates } from './groups.js';
import { intervalOf } from './interval.js';
import type { Rate } from './outcomes.js';
import { type Support, supportOf, thresholdFor } from './threshold.js';

/** The false match rates that a report names where the sample reaches so far. */
export const targets = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6] as const;

/** A threshold made for a false match rate, and what is known of both errors there. */
export interface OperatingPoint extends DetPoint {
  readonly target: number;
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
  const thresholds = asked.map((target) => thresholdFor(nonMated, target));
  // All at once: each look at the rates goes through all comparisons.
  const points = detPoints(mated, nonMated, [...thresholds, ...curveThresholds(mated, nonMated)]);
  const [accept, review, ...others] = asked.map((target, n) => operatingPoint(target, points[n] as DetPoint)) as [
    OperatingPoint,
    OperatingPoint,
  ];
  const failureToEnrol = enrolments && proportion(enrolments.failed, enrolments.attempted);
  return {
    mated: mated.count,
    nonMated: nonMated.count,
    subjects: comparisons.subjectCount,
    accept,
    review,
    targets: others,
    equalError: equalError(mated, nonMated),
    curve: points.slice(asked.length),
    groups: groupRates(comparisons, accept.threshold),
    ...(failureToEnrol && { failureToEnrol }),
  };
}

const operatingPoint = (target: number, point: DetPoint): OperatingPoint => ({
  target,
  ...point,
  support: supportOf(target, point.fmr.effective),
});

/** People are enrolled one by one: these are independent. */
const proportion = (errors: number, count: number): Rate => ({
  errors,
  count,
  rate: errors / count,
  interval: intervalOf(errors, count),
  effective: count,
});
