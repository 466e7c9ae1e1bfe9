import type { IdentificationRule } from './purpose.stream.js';
import type { ThresholdCardTerms } from './threshold-card.stream.js';

/** What is to be expected of a search among so many templates, beside what the purpose allows. */
export interface IdentificationBudget {
  readonly templates: number;
  /** Upper end of the card's interval: what is not known to be better has to be taken for it. */
  readonly fmr: number;
  /** That somebody who is not enrolled is taken for one who is, in one search. */
  readonly fpir: number;
  readonly fpirMax: number;
  /** As many templates as `fpirMax` lets there be. */
  readonly templatesMax: number;
  readonly isKept: boolean;
}

/**
 * The false positive identification rate that so many comparisons come to, each with the false match rate of the card:
 * FPIR = 1 - (1 - FMR)^N (PERF-2; ISO/IEC 19795-1). Comparisons are taken for independent, which relatives among the enrolled
 * make worse and a good interval does not know: it is a bound to refuse by, not a promise.
 */
export function identificationBudget(
  { interval }: Pick<ThresholdCardTerms, 'interval'>,
  { fpirMax }: Pick<IdentificationRule, 'fpirMax'>,
  templates: number,
): IdentificationBudget {
  const fmr = interval.high;
  // By way of logarithms: 1 - 1e-9 to the power of a million has lost its digits in f64.
  const each = Math.log1p(-fmr);
  const fpir = templates === 0 || fmr === 0 ? 0 : -Math.expm1(templates * each);
  const most = Math.floor(Math.log1p(-fpirMax) / each);
  const templatesMax = fmr === 0 ? Number.MAX_SAFE_INTEGER : most;
  return { templates, fmr, fpir, fpirMax, templatesMax, isKept: fpir <= fpirMax };
}
