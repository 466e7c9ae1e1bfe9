import type { Calibration, GroupRate, GroupRates, OperatingPoint, Rate, Support } from '#lib/calibration';
import type { ThresholdCardTerms } from '#lib/policy/contract';
import { between, counted, percent, sampleOf } from './calibration-card.js';
import type { ComparisonFile } from './comparison-file.js';

type Row = readonly string[];

const reaches: Readonly<Record<Support, string>> = {
  none: 'too few',
  three: 'rule of three',
  thirty: 'rule of 30',
};

const pointsHead = ['for an FMR of', 'threshold', 'FMR', '95 % interval', 'FNMR', '95 % interval', 'shown by'];

const pointRow = (name: string, { threshold, fmr, fnmr, support }: OperatingPoint): Row => [
  name,
  threshold.toFixed(4),
  percent(fmr.rate),
  between(fmr.interval),
  percent(fnmr.rate),
  between(fnmr.interval),
  reaches[support],
];

/** A target that the sample does not reach has no threshold. */
const targetRow = (point: OperatingPoint): Row =>
  point.support === 'none'
    ? [percent(point.target), '-', '-', '-', '-', '-', reaches.none]
    : pointRow(percent(point.target), point);

const pointRows = ({ accept, review, targets }: Calibration): Row[] => [
  pointRow(`${percent(accept.target)}: accept`, accept),
  pointRow(`${percent(review.target)}: review`, review),
  ...targets.filter(({ target }) => target !== accept.target && target !== review.target).map(targetRow),
];

const groupHead = ['group', 'FMR', '95 % interval', 'to best', 'FNMR', '95 % interval', 'to best'];

const groupRow = ({ group, fmr, fnmr }: GroupRates): Row => [group, ...groupCells(fmr), ...groupCells(fnmr)];

const groupCells = (rate: GroupRate | undefined): Row =>
  rate ? [percent(rate.rate), between(rate.interval), ratioOf(rate)] : ['-', '-', '-'];

const ratioOf = ({ ratio, isWorse }: GroupRate): string =>
  `${ratio === undefined ? '-' : `${ratio.toFixed(2)} x`}${isWorse ? ' *' : ''}`;

/** What a reader should know before trusting the card. */
function cautions({ accept, subjects, groups }: Calibration): string[] {
  const worse = groups.filter(({ fmr, fnmr }) => fmr?.isWorse || fnmr?.isWorse).map(({ group }) => group);
  return [
    ...(accept.support === 'three'
      ? [`Fewer than 30 false matches are expected at ${percent(accept.target)}: its threshold is known roughly only.`]
      : []),
    ...(subjects === undefined
      ? [
          'Subjects are not named, so comparisons are taken as independent: where people occur twice, intervals are too narrow.',
        ]
      : []),
    ...(worse.length > 0
      ? [`Not explained by chance (*): the whole interval of ${worse.join(', ')} lies above that of the best group.`]
      : []),
  ];
}

/** The short form, for the screen. */
export function calibrationLines(calibration: Calibration, { name }: ComparisonFile): string[] {
  const { equalError, groups, failureToEnrol } = calibration;
  return [
    `${name}: ${sampleOf(calibration)}`,
    ...aligned([pointsHead, ...pointRows(calibration)]),
    `equal error rate ${percent(equalError.rate)} at ${equalError.threshold.toFixed(4)}`,
    ...(failureToEnrol ? [`failure to enrol ${enrolText(failureToEnrol)}`] : []),
    ...(groups.length > 0 ? ['', `at accept, ${calibration.accept.threshold}:`] : []),
    ...(groups.length > 0 ? aligned([groupHead, ...groups.map(groupRow)]) : []),
    ...cautions(calibration),
  ];
}

const enrolText = ({ rate, errors, count, interval }: Rate): string =>
  `${percent(rate)} (${errors} of ${counted(count)}), 95 % interval ${between(interval)}`;

function aligned(rows: readonly Row[]): string[] {
  const widths = (rows[0] ?? []).map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** The long form, in Markdown, to be kept with the card. The same comparisons give the same bytes. */
export function calibrationReport(calibration: Calibration, file: ComparisonFile, card: ThresholdCardTerms): string {
  const { equalError, groups, failureToEnrol, accept } = calibration;
  const { model } = card;
  return `${[
    `# Calibration of ${marked(model.id)} ${marked(model.version)}`,
    `${marked(file.name)}, SHA-256 \`${file.sha256}\`: ${sampleOf(calibration)}. Scores are cosines of embeddings of ${model.dim} numbers.`,
    `A score of at least **${card.accept}** accepts, of at least **${card.review}** is inconclusive. The false match rate at accept is **${percent(accept.fmr.rate)}**, with 95 % confidence ${between(card.interval)}.`,
    ...cautions(calibration).map((caution) => `> ${marked(caution)}`),
    '![DET curve](det.svg)',
    '## Thresholds',
    tableOf([pointsHead, ...pointRows(calibration)]),
    `Equal error rate: ${percent(equalError.rate)} at ${equalError.threshold.toFixed(4)}.`,
    ...(failureToEnrol ? [`Failure to enrol: ${enrolText(failureToEnrol)}. Those people are in no other rate.`] : []),
    ...(groups.length > 0 ? ['## Groups', groupsText(accept), tableOf([groupHead, ...groups.map(groupRow)])] : []),
    '## How it was made',
    ...method(calibration),
  ].join('\n\n')}\n`;
}

const groupsText = ({ threshold }: OperatingPoint): string =>
  `At accept, ${threshold}. *To best*: how many times the lowest rate of a group; - where that is 0. A star: the whole interval lies above that of the group with the lowest rate.`;

const method = ({ subjects, accept, mated }: Calibration): string[] => [
  'FMR is the share of non-mated comparisons that score at least the threshold, FNMR that of mated ones that score less (ISO/IEC 19795-1). A threshold is the lowest with four digits at which the FMR seen is no higher than the one asked for. *Rule of 30*: thirty false matches or more are expected. *Rule of three*: from three to thirty, so the rate is known roughly only. *Too few*: the sample says nothing of such a rate.',
  subjects === undefined
    ? 'Intervals are those of Clopper and Pearson for independent comparisons.'
    : `Intervals are those of Clopper and Pearson for the number of independent comparisons that these are worth (Korn and Graubard), as comparisons of the same subject vary together. At accept, ${counted(accept.fmr.count)} non-mated ones are worth ${counted(Math.floor(accept.fmr.effective))}, ${counted(mated)} mated ones ${counted(Math.floor(accept.fnmr.effective))}.`,
  'The figures hold for people, cameras and conditions like those compared, and for one comparison with one template.',
];

const tableOf = ([head = [], ...rows]: readonly Row[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(marked).join(' | ')} |`).join('\n');

/** Text as it may stand in Markdown. */
const marked = (text: string): string => text.replace(/[\\`*_[\]<>|#]/g, (mark) => `\\${mark}`);
