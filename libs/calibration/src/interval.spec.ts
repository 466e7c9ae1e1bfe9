import { effectiveCount, intervalOf } from './interval.js';

const { exp, log } = Math;

/** The probabilities of 0 to `count` errors at `rate`. */
function binomial(count: number, rate: number): number[] {
  const found: number[] = [];
  let ways = 0;
  for (let errors = 0; errors <= count; errors++) {
    found.push(exp(ways + errors * log(rate) + (count - errors) * log(1 - rate)));
    ways += log((count - errors) / (errors + 1));
  }
  return found;
}

describe('the interval of a rate', () => {
  it.each([
    [0, 100, 0, 0.0362167],
    [3, 1_000, 0.0006191, 0.008742],
    [50, 100, 0.3983211, 0.6016789],
    [100, 100, 0.9637833, 1],
    [1, 10_000_000, 2.5317808e-9, 5.5716421e-7],
  ])('of %d in %d is the one in tables', (errors, count, low, high) => {
    const interval = intervalOf(errors, count);
    expect(interval.low).toBeCloseTo(low, 7);
    expect(interval.high).toBeCloseTo(high, 7);
  });

  it.each([5, 40, 300])('holds the true rate 95 times in 100 or more, whatever it is, for %d comparisons', (count) => {
    const intervals = Array.from({ length: count + 1 }, (_, errors) => intervalOf(errors, count));
    for (let rate = 0.001; rate < 1; rate += 0.0173) {
      const held = binomial(count, rate).filter((_, errors) => {
        const { low, high } = intervals[errors] ?? { low: 1, high: 0 };
        return low <= rate && rate <= high;
      });
      expect(held.reduce((sum, probability) => sum + probability, 0)).toBeGreaterThanOrEqual(0.95);
    }
  });

  it('is everything where nothing was compared', () => {
    expect(intervalOf(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it('counts less where few subjects say how much a rate varies: by the square of Student over the normal', () => {
    expect(effectiveCount(100, 1, 5)).toBeCloseTo(49.833, 2);
    expect(effectiveCount(100, 4, 1_000_000)).toBeCloseTo(25, 3);
  });
});
