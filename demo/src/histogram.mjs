const [width, panel, left, right, top, gap] = [760, 150, 60, 20, 64, 34];
const [from, to, step] = [0.8, 1, 0.005];
const bins = Math.round((to - from) / step);
const plot = width - left - right;
const across = (score) => left + (plot * (score - from)) / (to - from);

/** The share of `scores` in each bin; what lies outside counts at the edge. */
function shares(scores) {
  const counts = new Array(bins).fill(0);
  for (const score of scores) counts[Math.min(bins - 1, Math.max(0, Math.floor((score - from) / step + 1e-9)))] += 1;
  return counts.map((count) => count / scores.length);
}

function bars(scores, colour, bottom) {
  const heights = shares(scores);
  const highest = Math.max(...heights);
  return heights
    .map((height, bin) => [across(from + bin * step) + 0.5, (panel * height) / highest])
    .filter(([, height]) => height > 0)
    .map(([x, height]) => [x, Math.max(1, height)].map((value) => value.toFixed(1)))
    .map(
      ([x, height]) =>
        `<rect x="${x}" y="${(bottom - height).toFixed(1)}" width="${(plot / bins - 1).toFixed(1)}" height="${height}" fill="${colour}"/>`,
    );
}

const label = (x, y, text, more = '') => `<text x="${x}" y="${y}"${more}>${text}</text>`;

/** The scores of a calibration as an SVG picture: two histograms over one axis, each to its own height, and the thresholds. */
export function histogram({ genuine, impostor, accept, review }) {
  const [upper, lower] = [top + panel, top + 2 * panel + gap];
  const height = lower + 48;
  const ticks = [0.8, 0.85, 0.9, 0.95, 1].map((score) => {
    const x = across(score);
    return `<path d="M${x} ${lower}v5" stroke="#555"/>${label(x, lower + 18, score.toFixed(2), ' text-anchor="middle"')}`;
  });
  const thresholds = Object.entries({ review, accept }).map(([name, score]) => {
    const x = across(score).toFixed(1);
    const anchor = name === 'review' ? 'end' : 'start';
    const beside = Number(x) + (name === 'review' ? -4 : 4);
    return `<path d="M${x} ${top - 12}V${lower}" stroke="#111" stroke-dasharray="4 3"/>${label(beside, top - 8, `${name} ${score}`, ` text-anchor="${anchor}"`)}`;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>Cosine scores of the calibration</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    label(left, 24, 'Cosine scores of the calibration', ' font-size="15" font-weight="bold"'),
    ...bars(impostor, '#b4552d', upper),
    ...bars(genuine, '#2d6f8f', lower),
    `<path d="M${left} ${upper}H${width - right}M${left} ${lower}H${width - right}" stroke="#555"/>`,
    label(left + 4, top + 14, `different faces (${impostor.length})`, ' fill="#b4552d"'),
    label(left + 4, upper + gap + 14, `altered copies of the same face (${genuine.length})`, ' fill="#2d6f8f"'),
    ...thresholds,
    ...ticks,
    label(left, lower + 38, 'Each histogram is as high as its highest bar. Bars are 0.005 wide.', ' fill="#555"'),
    '</svg>',
  ].join('\n')}\n`;
}
