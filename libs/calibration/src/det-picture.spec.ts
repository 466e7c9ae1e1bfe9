import { calibrate } from './calibration.js';
import { type Comparison, Comparisons } from './comparisons.js';
import { detPicture } from './det-picture.js';

const text = { title: 'DET curve of <a> & "b"\u0007', subtitle: 'a sample' };

function pictureOf(all: readonly Comparison[]): string {
  const comparisons = new Comparisons();
  for (const comparison of all) comparisons.add(comparison);
  return detPicture(calibrate(comparisons, { fmr: 0.01, reviewFmr: 0.1 }), text);
}

/** Scores of both kinds that overlap, in as many groups. */
const overlapping = (groups: number): Comparison[] =>
  Array.from({ length: 60 * groups }, (_, n) => ({
    score: ((n * 7_919) % 1_000) / 1_500 + (n % 2) / 4,
    isMated: n % 2 === 1,
    group: `group ${Math.floor(n / 2) % groups}`,
  }));

const strokesOf = (svg: string) =>
  [...svg.matchAll(/h26" fill="none" (stroke="#\w+"(?: stroke-dasharray="[^"]+")?)/g)].map(([, stroke]) => stroke);

describe('the picture of a DET curve', () => {
  it.each<[string, Comparison[]]>([
    [
      'two comparisons',
      [
        { score: 0.9, isMated: true },
        { score: 0.1, isMated: false },
      ],
    ],
    [
      'one score only',
      [
        { score: 0.5, isMated: true },
        { score: 0.5, isMated: false },
      ],
    ],
    [
      'scores the wrong way round',
      [
        { score: 0.1, isMated: true },
        { score: 0.9, isMated: false },
      ],
    ],
    ['many', overlapping(3)],
  ])('has a place for everything, of %s', (_, all) => {
    const svg = pictureOf(all);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const places = [...svg.matchAll(/[MLHV ](-?\d+\.\d)/g)].map(([, place]) => Number(place));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...places)).toBeLessThanOrEqual(900);
  });

  it('gives 21 groups a stroke each', () => {
    const strokes = strokesOf(pictureOf(overlapping(21)));
    expect(new Set(strokes).size).toBe(strokes.length);
    expect(strokes.length).toBeGreaterThanOrEqual(21);
  });

  it('shows names as they are, whatever they mean to XML', () => {
    expect(pictureOf(overlapping(1))).toContain('<title>DET curve of &lt;a&gt; &amp; &quot;b&quot; </title>');
  });

  it('is the same every time', () => {
    expect(pictureOf(overlapping(4))).toBe(pictureOf(overlapping(4)));
  });
});
