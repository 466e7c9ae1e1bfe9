import type { Calibration, OperatingPoint } from './calibration.js';
import { type DetPoint, type ErrorRates } from './det.js';
import { type Axis, across, axesOf, escaped, field, height, label, percent, upward, width } from './det-axes.js';

/** What stands above the picture. */
export interface DetText {
  readonly title: string;
  readonly subtitle: string;
}

interface Axes {
  readonly x: Axis;
  readonly y: Axis;
}

/** Colours that stay apart for people who do not see all of them (after Okabe and Ito), and dashes for print. */
const colours = ['#D55E00', '#0072B2', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'];
const dashes = ['', '7 3', '2 2.5', '9 3 2 3'];
const strokeOf = (n: number): string => {
  const dash = dashes[(n + Math.floor(n / 12)) % dashes.length];
  return `stroke="${colours[n % colours.length]}"${dash && ` stroke-dasharray="${dash}"`}`;
};

const path = (points: readonly (readonly [number, number])[]): string =>
  points.map(([x, y], n) => `${n === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

/** The DET curve as an SVG picture: its band, a curve for each group, the thresholds of the card. The same every time. */
export function detPicture(calibration: Calibration, { title, subtitle }: DetText): string {
  const drawn = calibration.curve.filter(({ fmr, fnmr }) => fmr.errors > 0 && fnmr.errors > 0);
  const { accept, review } = calibration;
  const axes = {
    x: across([...drawn.map(({ fmr }) => fmr.rate), accept.target, review.fmr.interval.high]),
    y: upward([...drawn.map(({ fnmr }) => fnmr.rate), accept.fnmr.interval.high]),
  };
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="Inter, sans-serif" font-size="12" fill="#111">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    label(field.left, 34, title, ' font-size="18" font-weight="600"'),
    label(field.left, 56, subtitle, ' fill="#555" font-size="13"'),
    axesOf(axes.x, axes.y),
    `<clipPath id="field"><rect x="${field.left}" y="${field.top}" width="${field.right - field.left}" height="${field.bottom - field.top}"/></clipPath>`,
    '<g clip-path="url(#field)" fill="none" stroke-linejoin="round">',
    band(calibration.curve, axes),
    equalLine(axes),
    ...calibration.groups.map(({ curve }, n) => line(curve, axes, `${strokeOf(n)} stroke-width="1.8"`)),
    `<path d="${path(drawn.map(({ fmr, fnmr }) => [axes.x.at(fmr.rate), axes.y.at(fnmr.rate)]))}" stroke="#111" stroke-width="2.4"/>`,
    targetLine(accept, axes),
    '</g>',
    `<rect x="${field.left}" y="${field.top}" width="${field.right - field.left}" height="${field.bottom - field.top}" fill="none" stroke="#777"/>`,
    point(review, axes, '#fff'),
    point(accept, axes, '#111'),
    legend(calibration),
    label(column, field.bottom, 'A rate of 0 lies on the edge.', ' fill="#555"'),
    '</svg>',
  ].join('\n')}\n`;
}

/** Between the better ends of both intervals at each threshold, and the worse. */
function band(curve: readonly DetPoint[], { x, y }: Axes): string {
  const better = curve.map(({ fmr, fnmr }) => [x.at(fmr.interval.low), y.at(fnmr.interval.low)] as const);
  const worse = curve.map(({ fmr, fnmr }) => [x.at(fmr.interval.high), y.at(fnmr.interval.high)] as const);
  return `<path d="${path([...better, ...worse.reverse()])}Z" fill="#8a8a8a" fill-opacity="0.22"/>`;
}

function line(curve: readonly ErrorRates[], { x, y }: Axes, stroke: string): string {
  const drawn = curve.filter(({ fmr, fnmr }) => fmr > 0 && fnmr > 0);
  return `<path d="${path(drawn.map(({ fmr, fnmr }) => [x.at(fmr), y.at(fnmr)]))}" ${stroke}/>`;
}

function equalLine({ x, y }: Axes): string {
  const [from, to] = [10 ** Math.max(x.from, y.from), 10 ** Math.min(x.to, y.to)];
  const ends = [from, to].map((rate) => [x.at(rate), y.at(rate)] as const);
  return `<path d="${path(ends)}" stroke="#999" stroke-dasharray="1 4" stroke-linecap="round" stroke-width="1.4"/>`;
}

function targetLine({ target }: OperatingPoint, { x }: Axes): string {
  const at = x.at(target).toFixed(1);
  return `<path d="M${at} ${field.top}V${field.bottom}" stroke="#111" stroke-dasharray="5 4"/>`;
}

/** A threshold, with both of its intervals as bars. */
function point({ fmr, fnmr }: OperatingPoint, { x, y }: Axes, fill: string): string {
  const [cx, cy] = [x.at(fmr.rate).toFixed(1), y.at(fnmr.rate).toFixed(1)];
  const [west, east] = [fmr.interval.low, fmr.interval.high].map((rate) => x.at(rate).toFixed(1));
  const [south, north] = [fnmr.interval.low, fnmr.interval.high].map((rate) => y.at(rate).toFixed(1));
  return [
    `<path d="M${west} ${cy}H${east}M${cx} ${south}V${north}" stroke="#111" stroke-width="1.4"/>`,
    `<circle cx="${cx}" cy="${cy}" r="5.5" fill="${fill}" stroke="#111" stroke-width="1.6"/>`,
  ].join('\n');
}

const column = field.right + 20;
const rowMax = 21;
const groupNameMax = 22;

function legend({ accept, review, equalError, groups }: Calibration): string {
  const swatch = (y: number, more: string) => `<path d="M${column} ${y}h26" fill="none" ${more}/>`;
  const dot = (y: number, fill: string) =>
    `<circle cx="${column + 13}" cy="${y}" r="5.5" fill="${fill}" stroke="#111" stroke-width="1.6"/>`;
  const entries: readonly (readonly [string, (y: number) => string])[] = [
    ['all comparisons', (y) => swatch(y, 'stroke="#111" stroke-width="2.4"')],
    [
      'their 95 % intervals',
      (y) => `<rect x="${column}" y="${y - 6}" width="26" height="12" fill="#8a8a8a" fill-opacity="0.22"/>`,
    ],
    ...groups.map(
      ({ group }, n) => [shortened(group), (y: number) => swatch(y, `${strokeOf(n)} stroke-width="1.8"`)] as const,
    ),
    [`accept ${accept.threshold}`, (y) => dot(y, '#111')],
    [`review ${review.threshold}`, (y) => dot(y, '#fff')],
    [`FMR ${percent(accept.target)}, asked for`, (y) => swatch(y, 'stroke="#111" stroke-dasharray="5 4"')],
    [
      `equal errors: ${percent(equalError.rate)}`,
      (y) => swatch(y, 'stroke="#999" stroke-dasharray="1 4" stroke-linecap="round" stroke-width="1.4"'),
    ],
  ];
  const row = Math.min(rowMax, (field.bottom - field.top - 40) / entries.length);
  return entries
    .map(([text, mark], n) => {
      const y = Math.round(field.top + 12 + n * row);
      return [mark(y), label(column + 36, y + 4, text)].join('\n');
    })
    .join('\n');
}

const shortened = (name: string): string => (name.length > groupNameMax ? `${name.slice(0, groupNameMax - 1)}…` : name);
