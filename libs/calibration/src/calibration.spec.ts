import fc from 'fast-check';
import { calibrate } from './calibration.js';
import { type Comparison, Comparisons } from './comparisons.js';
import { everyThreshold } from './det.js';

const names = ['ada', 'bo', 'cy', 'di', 'eve'];
const Score = fc.oneof(fc.double({ min: -1, max: 1, noNaN: true }), fc.constantFrom(0.1, 0.2, 0.25, 0.3));
const Pair = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom(...names))
  .map(([one, other]) => ({ isMated: one === other, subjects: [one, other] as [string, string] }));
const Compared: fc.Arbitrary<Comparison> = fc
  .record({ score: Score, pair: Pair, group: fc.constantFrom('x', 'y', undefined) })
  .map(({ score, pair, group }) => ({ score, ...pair, group }));
const Sample = fc
  .array(Compared, { minLength: 2, maxLength: 80 })
  .filter((all) => all.some(({ isMated }) => isMated) && all.some(({ isMated }) => !isMated));

function collected(all: readonly Comparison[]): Comparisons {
  const comparisons = new Comparisons();
  for (const comparison of all) comparisons.add(comparison);
  return comparisons;
}

/** The share of the comparisons of one kind that err at a threshold, by going through all of them. */
function naive(all: readonly Comparison[], isMated: boolean, threshold: number): { errors: number; count: number } {
  const kind = all.filter((comparison) => comparison.isMated === isMated);
  const errors = kind.filter(({ score }) => (isMated ? score < threshold : score >= threshold)).length;
  return { errors, count: kind.length };
}

const wanted = { fmr: 0.1, reviewFmr: 0.3 };

describe('a calibration', () => {
  it('has the rates at every threshold that counting one by one gives', () => {
    fc.assert(
      fc.property(Sample, (all) => {
        const comparisons = collected(all);
        const rates = [...everyThreshold(comparisons.outcomes(true), comparisons.outcomes(false))];
        expect(rates.map(({ threshold }) => threshold)).toEqual([
          ...[...new Set(all.map(({ score }) => score || 0))].sort((a, b) => a - b),
          Infinity,
        ]);
        for (const { threshold, fmr, fnmr } of rates) {
          const [falseMatches, falseNonMatches] = [naive(all, false, threshold), naive(all, true, threshold)];
          expect(fmr).toBe(falseMatches.errors / falseMatches.count);
          expect(fnmr).toBe(falseNonMatches.errors / falseNonMatches.count);
        }
      }),
    );
  });

  it('takes the lowest threshold of four digits at which no more than wanted match falsely', () => {
    fc.assert(
      fc.property(Sample, (all) => {
        const { accept, review, targets } = calibrate(collected(all), wanted);
        for (const { target, threshold, fmr, fnmr } of [accept, review, ...targets]) {
          expect(fmr).toMatchObject(naive(all, false, threshold));
          expect(fnmr).toMatchObject(naive(all, true, threshold));
          expect(fmr.rate).toBeLessThanOrEqual(target);
          const lower = naive(all, false, threshold - 0.0001);
          expect(lower.errors / lower.count).toBeGreaterThan(target);
          for (const { rate, interval } of [fmr, fnmr]) {
            expect(interval.low).toBeLessThanOrEqual(rate);
            expect(interval.high).toBeGreaterThanOrEqual(rate);
          }
        }
        expect(review.threshold).toBeLessThanOrEqual(accept.threshold);
      }),
    );
  });

  it('has equal errors where the two rates are nearest', () => {
    fc.assert(
      fc.property(Sample, (all) => {
        const comparisons = collected(all);
        const { equalError } = calibrate(comparisons, wanted);
        const apart = [...everyThreshold(comparisons.outcomes(true), comparisons.outcomes(false))].map(
          ({ fmr, fnmr }) => [Math.abs(fmr - fnmr), (fmr + fnmr) / 2] as const,
        );
        const nearest = Math.min(...apart.map(([difference]) => difference));
        expect(apart).toContainEqual([nearest, equalError.rate]);
      }),
    );
  });

  it('is the same whatever the order of the comparisons', () => {
    fc.assert(
      fc.property(Sample, (all) => {
        expect(calibrate(collected([...all].reverse()), wanted)).toEqual(calibrate(collected(all), wanted));
      }),
    );
  });

  it('has each group at the threshold of all, beside the best', () => {
    fc.assert(
      fc.property(Sample, (all) => {
        const { accept, groups } = calibrate(collected(all), wanted);
        const named = [...new Set(all.flatMap(({ group }) => group ?? []))].sort();
        expect(groups.map(({ group }) => group)).toEqual(named);
        const own = (group: string) => all.filter((comparison) => comparison.group === group);
        const counts = groups.map(({ group }) => naive(own(group), false, accept.threshold));
        expect(groups.map(({ fmr }) => [fmr?.errors ?? 0, fmr?.count ?? 0])).toEqual(
          counts.map(({ errors, count }) => [errors, count]),
        );
        const known = groups.flatMap(({ fmr }) => fmr ?? []);
        const best = Math.min(...known.map(({ rate }) => rate));
        const ratios = known.map(({ rate }) => (rate === best ? 1 : best === 0 ? undefined : rate / best));
        expect(known.map(({ ratio }) => ratio)).toEqual(ratios);
      }),
    );
  });

  it('says how far the sample reaches: rule of three, rule of 30', () => {
    const comparisons = new Comparisons();
    for (let n = 0; n < 3_500; n++) comparisons.add({ score: n / 10_000, isMated: false });
    comparisons.add({ score: 0.9, isMated: true });
    const { targets } = calibrate(comparisons, wanted);
    expect(targets.map(({ support }) => support)).toEqual(['thirty', 'three', 'none', 'none', 'none']);
  });

  it('counts who could not be enrolled', () => {
    const comparisons = collected([
      { score: 0.9, isMated: true },
      { score: 0.1, isMated: false },
    ]);
    const { failureToEnrol } = calibrate(comparisons, { ...wanted, enrolments: { failed: 3, attempted: 1_000 } });
    expect(failureToEnrol).toMatchObject({ rate: 0.003, interval: { low: expect.closeTo(0.0006191, 6) } });
  });
});

describe('comparisons', () => {
  it.each<[string, Comparison]>([
    ['whose score is no number', { score: Number.NaN, isMated: true, subjects: ['ada', 'ada'] }],
    ['that name no subjects where others do', { score: 0.1, isMated: true }],
    ['that are mated but of two', { score: 0.1, isMated: true, subjects: ['ada', 'bo'] }],
    ['that are non-mated but of one', { score: 0.1, isMated: false, subjects: ['ada', 'ada'] }],
    ['whose names are texts', { score: 0.1, isMated: true, subjects: ['a'.repeat(81), 'a'.repeat(81)] }],
  ])('may not be ones %s', (_, comparison) => {
    const comparisons = collected([{ score: 0.5, isMated: true, subjects: ['ada', 'ada'] }]);
    expect(() => comparisons.add(comparison)).toThrow(expect.objectContaining({ name: 'UnfitComparison' }));
  });

  it('are of 21 groups at most', () => {
    const comparisons = new Comparisons();
    for (let n = 0; n < 21; n++) comparisons.add({ score: 0.1, isMated: true, group: `group ${n}` });
    expect(() => comparisons.add({ score: 0.1, isMated: true, group: 'one more' })).toThrow('more than 21 groups');
  });
});
