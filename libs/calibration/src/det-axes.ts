const { floor, ceil, log10, max, min } = Math;

export const width = 900;
export const height = 640;
const [left, right, top, bottom] = [84, 236, 84, 66];
const decadesMax = 7;

/** The field that the curve is drawn in. */
export const field = { left, top, right: width - right, bottom: height - bottom } as const;

/** From one power of ten to another, along one side of the field. */
export interface Axis {
  /** Powers of ten. */
  readonly from: number;
  readonly to: number;
  /** Where a rate lies; one outside lies on the edge. */
  readonly at: (rate: number) => number;
}

function axis(rates: readonly number[], begin: number, end: number): Axis {
  const positive = rates.filter((rate) => rate > 0);
  const to = ceil(log10(max(...positive, 1e-3)) - 1e-9);
  const from = max(to - decadesMax, min(to - 1, floor(log10(min(...positive, 1)) + 1e-9)));
  return {
    from,
    to,
    at: (rate) => begin + ((end - begin) * (max(from, min(to, log10(max(rate, 1e-300)))) - from)) / (to - from),
  };
}

export const across = (rates: readonly number[]): Axis => axis(rates, field.left, field.right);
export const upward = (rates: readonly number[]): Axis => axis(rates, field.bottom, field.top);

/** `text` as it may stand in SVG, which has no control characters. */
export const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ')
    .replace(/[&<>"]/g, (mark) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[mark] as string);

export const label = (x: number, y: number, text: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${more}>${escaped(text)}</text>`;

/** A rate for people: `0.01 %`. Three digits. */
export const percent = (rate: number): string => `${Number((100 * rate).toPrecision(3))} %`;

const powerLabel = (power: number): string => `${(100 * 10 ** power).toFixed(max(0, -2 - power))} %`;

const minors = [2, 3, 4, 5, 6, 7, 8, 9];
const powersOf = ({ from, to }: Axis) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

function lines(axis: Axis, path: (at: string) => string): string {
  const steps = powersOf(axis).slice(0, -1);
  const faint = steps.flatMap((power) => minors.map((step) => path(axis.at(step * 10 ** power).toFixed(1))));
  const strong = powersOf(axis).map((power) => path(axis.at(10 ** power).toFixed(1)));
  return [
    `<path d="${faint.join('')}" stroke="#f0f0f0" fill="none"/>`,
    `<path d="${strong.join('')}" stroke="#d4d4d4" fill="none"/>`,
  ].join('\n');
}

/** Grid, ticks and titles: false match rate across, false non-match rate upward, both by powers of ten. */
export function axesOf(x: Axis, y: Axis): string {
  const middle = (field.left + field.right) / 2;
  const turned = ` transform="rotate(-90 22 ${(field.top + field.bottom) / 2})" text-anchor="middle" font-size="14"`;
  return [
    lines(x, (at) => `M${at} ${field.top}V${field.bottom}`),
    lines(y, (at) => `M${field.left} ${at}H${field.right}`),
    ...powersOf(x).map((power) =>
      label(x.at(10 ** power), field.bottom + 20, powerLabel(power), ' text-anchor="middle" fill="#444"'),
    ),
    ...powersOf(y).map((power) =>
      label(field.left - 8, y.at(10 ** power) + 4, powerLabel(power), ' text-anchor="end" fill="#444"'),
    ),
    label(middle, field.bottom + 48, 'False match rate (FMR)', ' text-anchor="middle" font-size="14"'),
    label(22, (field.top + field.bottom) / 2, 'False non-match rate (FNMR)', turned),
  ].join('\n');
}
