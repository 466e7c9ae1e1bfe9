import fc from 'fast-check';
import { chance } from '../../../test/support/chance.js';
import { Comparisons } from './comparisons.js';
import { type Compared, designEffects } from './dependence.js';
import { intervalOf } from './interval.js';

const { sqrt, log, cos, PI, max, min } = Math;

/** Sums over every two comparisons that share a subject, one by one. */
function naive({ first, second }: Compared, errors: number): number {
  const count = first.length;
  const p = errors / count;
  const off = (n: number) => (n < errors ? 1 : 0) - p;
  let sum = 0;
  for (let n = 0; n < count; n++) {
    for (let m = 0; m < count; m++) {
      const others = [first[m], second[m]];
      if (others.includes(first[n] as number) || others.includes(second[n] as number)) sum += off(n) * off(m);
    }
  }
  const clusters = new Set([...first, ...second]).size;
  return max(1, (sum * clusters) / (clusters - 1) / (p * (1 - p) * count) || 1);
}

const Subject = fc.integer({ min: 0, max: 6 });
const NonMated = fc.array(
  fc.tuple(Subject, Subject).filter(([one, other]) => one !== other),
  { minLength: 3, maxLength: 40 },
);

const normal = (next: () => number) => sqrt(-2 * log(max(next(), 1e-12))) * cos(2 * PI * next());

describe('design effects', () => {
  it('are what every two comparisons that share a subject add up to', () => {
    fc.assert(
      fc.property(NonMated, (pairs) => {
        const compared = {
          first: Int32Array.from(pairs, ([one]) => one),
          second: Int32Array.from(pairs, ([, other]) => other),
        };
        const wanted = pairs.map((_, n) => n);
        const { effects } = designEffects(compared, wanted);
        for (const errors of wanted) expect(effects[errors]).toBeCloseTo(naive(compared, errors), 8);
      }),
    );
  });

  it('are as many as there are copies of each mated comparison', () => {
    const first = Int32Array.from({ length: 4_000 }, (_, n) => Math.floor(n / 4));
    const { effects, clusters } = designEffects({ first, second: first }, [400]);
    expect(effects[0]).toBeCloseTo(4, 1);
    expect(clusters).toBe(1_000);
  });

  /**
   * People differ: some are easily taken for others, some seldom recognised. Each sample is of other people; the rates
   * at these thresholds are known, as scores are sums of normal variables.
   */
  it('make intervals that hold the true rate about 95 times in 100, where those that take comparisons as independent do not', () => {
    const [rounds, people, shots] = [240, 60, 6];
    const next = chance(20_251);
    const held = { fmr: 0, fnmr: 0, naiveFmr: 0, naiveFnmr: 0 };
    // Non-mated: two traits of 0.6 and noise of 0.7. Mated: one trait of 0.7 and noise of 0.7.
    const [truth, nonMatedAt, matedAt] = [0.02275, 2 * sqrt(0.36 + 0.36 + 0.49), -2 * sqrt(0.49 + 0.49)];
    for (let round = 0; round < rounds; round++) {
      const comparisons = new Comparisons();
      const traits = Array.from({ length: people }, () => ({ alike: 0.6 * normal(next), clear: 0.7 * normal(next) }));
      for (const [n, one] of traits.entries()) {
        for (let shot = 0; shot < shots; shot++) {
          const score = one.clear + 0.7 * normal(next);
          comparisons.add({ score, isMated: true, subjects: [`${n}`, `${n}`] });
        }
        for (const [m, other] of traits.slice(0, n).entries()) {
          const score = one.alike + other.alike + 0.7 * normal(next);
          comparisons.add({ score, isMated: false, subjects: [`${n}`, `${m}`] });
        }
      }
      const [falseMatch] = comparisons.outcomes(false).ratesAt([nonMatedAt]);
      const [falseNonMatch] = comparisons.outcomes(true).ratesAt([matedAt]);
      const isIn = (rate: typeof falseMatch, isNaive: boolean) => {
        const { low, high } = isNaive
          ? intervalOf(rate?.errors ?? 0, rate?.count ?? 0)
          : (rate?.interval ?? { low: 1, high: 0 });
        return Number(low <= truth && truth <= high);
      };
      held.fmr += isIn(falseMatch, false);
      held.fnmr += isIn(falseNonMatch, false);
      held.naiveFmr += isIn(falseMatch, true);
      held.naiveFnmr += isIn(falseNonMatch, true);
    }
    expect(min(held.fmr, held.fnmr) / rounds).toBeGreaterThan(0.92);
    expect(max(held.naiveFmr, held.naiveFnmr) / rounds).toBeLessThan(0.9);
  }, 60_000);
});
