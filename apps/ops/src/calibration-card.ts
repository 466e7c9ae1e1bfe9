import type { Calibration, Interval, OperatingPoint, Rate } from '#lib/calibration';
import { ThresholdCardTerms } from '#lib/policy/contract';
import type { ComparisonFile } from './comparison-file.js';
import { UnfitFile } from './comparison-row.js';

const { floor, log10 } = Math;

export interface Modelled {
  readonly model: ThresholdCardTerms['model'];
  /** What people say of where the comparisons come from. */
  readonly dataset?: string | undefined;
}

const digits = 4;

/** `value` with four digits, rounded down or up: an interval never becomes narrower by being written. */
function rounded(value: number, isUp: boolean): number {
  if (value <= 0 || value >= 1) return value;
  const near = Number(value.toPrecision(digits));
  if (isUp ? near >= value : near <= value) return near;
  const step = 10 ** (floor(log10(value)) + 1 - digits);
  return Number((near + (isUp ? step : -step)).toPrecision(digits));
}

export const written = ({ low, high }: Interval): Interval => ({
  low: rounded(low, false),
  high: Math.min(1, rounded(high, true)),
});

/** Less than one in a hundred million is only ever the lower end of an interval: as good as none. */
const shareMin = 1e-8;

/** A share for people: four digits. */
export const percent = (share: number): string =>
  `${share < shareMin ? 0 : Number((100 * share).toPrecision(digits))} %`;

export const between = (interval: Interval): string => {
  const { low, high } = written(interval);
  return `${percent(low)} to ${percent(high)}`;
};

export const counted = (count: number): string => count.toLocaleString('en-US');

/** What was compared, in a line. */
export function sampleOf({ mated, nonMated, subjects }: Calibration): string {
  const of = subjects === undefined ? '' : ` of ${counted(subjects)} subjects`;
  return `${counted(mated)} mated and ${counted(nonMated)} non-mated comparisons${of}`;
}

/** A card as it is published (PERF-1). @throws UnfitFile where the comparisons cannot carry one */
export function cardOf(
  calibration: Calibration,
  file: ComparisonFile,
  { model, dataset }: Modelled,
): ThresholdCardTerms {
  const { accept, review } = calibration;
  if (accept.support === 'none') throw tooFew(accept, file.name);
  if (accept.threshold > 1) {
    throw new UnfitFile(`${file.name}: no threshold up to 1 has an FMR of ${percent(accept.target)}: too many score 1`);
  }
  return ThresholdCardTerms.parse({
    model,
    metric: 'cosine',
    accept: accept.threshold,
    review: review.threshold,
    fmr: Number(accept.fmr.rate.toPrecision(6)),
    interval: written(accept.fmr.interval),
    dataset: [
      ...(dataset ? [dataset.trim()] : []),
      `${file.name}, SHA-256 ${file.sha256}: ${sampleOf(calibration)}.`,
      `At accept, made for an FMR of ${percent(accept.target)}: ${rateText('FMR', accept.fmr)}, ${rateText('FNMR', accept.fnmr)}.`,
      `At review, made for ${percent(review.target)}: ${rateText('FMR', review.fmr)}, ${rateText('FNMR', review.fnmr)}.`,
      calibration.failureToEnrol ? `${rateText('Failure to enrol', calibration.failureToEnrol)}.` : '',
      calibration.subjects === undefined
        ? 'Subjects are not named: the intervals take comparisons as independent, and are too narrow where people occur twice.'
        : 'The intervals take comparisons that share a subject as dependent.',
    ]
      .filter((sentence) => sentence !== '')
      .join(' '),
  });
}

const rateText = (name: string, { errors, count, rate, interval }: Rate): string =>
  `${name} ${percent(rate)} (${errors} of ${counted(count)}; 95 % interval ${between(interval)})`;

/** The rule of three: even without a single error, n comparisons show no rate below 3/n. */
function tooFew({ target, fmr: { effective, count } }: OperatingPoint, name: string): UnfitFile {
  const worth = Math.floor(effective) < count ? `, worth ${counted(Math.floor(effective))} independent ones,` : '';
  const lowest = Number((3 / effective).toPrecision(2));
  return new UnfitFile(
    `${name}: ${counted(count)} non-mated comparisons${worth} show no FMR below about ${lowest} (rule of three), so none of ${target}: bring more, of more people, or ask for a higher --fmr`,
  );
}
