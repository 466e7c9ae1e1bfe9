import type { Comparisons } from './comparisons.js';
import { curveThresholds, type ErrorRates } from './det.js';
import type { Outcomes, Rate } from './outcomes.js';

/** What one group meets at the threshold of all. */
export interface GroupRates {
  readonly group: string;
  readonly fmr: GroupRate | undefined;
  readonly fnmr: GroupRate | undefined;
  readonly curve: readonly ErrorRates[];
}

/** A rate of a group beside that of the group with the lowest. */
export interface GroupRate extends Rate {
  /** How many times the lowest; not known where the lowest is 0 and this is not. */
  readonly ratio: number | undefined;
  /** The whole interval lies above that of the group with the lowest rate: chance does not explain it. */
  readonly isWorse: boolean;
}

/** Every group that the comparisons name, in the order of names, at one threshold. */
export function groupRates(comparisons: Comparisons, threshold: number): GroupRates[] {
  const seen = comparisons.groups.map((group) => {
    const [mated, nonMated] = [comparisons.outcomes(true, group), comparisons.outcomes(false, group)];
    return { group, fmr: rateOf(nonMated, threshold), fnmr: rateOf(mated, threshold), curve: curveOf(mated, nonMated) };
  });
  const beside = (rates: readonly (Rate | undefined)[]) => {
    const present = rates.filter((rate) => rate !== undefined);
    const best = present.reduce<Rate | undefined>(
      (low, rate) => (low && low.rate <= rate.rate ? low : rate),
      undefined,
    );
    return (rate: Rate | undefined) => rate && best && compared(rate, best);
  };
  const [ofFmr, ofFnmr] = [beside(seen.map(({ fmr }) => fmr)), beside(seen.map(({ fnmr }) => fnmr))];
  return seen.map(({ group, fmr, fnmr, curve }) => ({ group, fmr: ofFmr(fmr), fnmr: ofFnmr(fnmr), curve }));
}

function compared(rate: Rate, best: Rate): GroupRate {
  const ratio = rate.rate === best.rate ? 1 : best.rate === 0 ? undefined : rate.rate / best.rate;
  return { ...rate, ratio, isWorse: rate.interval.low > best.interval.high };
}

const rateOf = (outcomes: Outcomes, threshold: number): Rate | undefined =>
  outcomes.count === 0 ? undefined : outcomes.ratesAt([threshold])[0];

function curveOf(mated: Outcomes, nonMated: Outcomes): ErrorRates[] {
  if (mated.count === 0 || nonMated.count === 0) return [];
  return curveThresholds(mated, nonMated).map((threshold) => ({
    threshold,
    fmr: nonMated.rateAt(threshold),
    fnmr: mated.rateAt(threshold),
  }));
}
