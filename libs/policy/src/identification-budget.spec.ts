import fc from 'fast-check';
import { identificationBudget } from './identification-budget.js';

const rate = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const cardOf = (high: number) => ({ interval: { low: 0, high } });

describe('the budget of an identification', () => {
  // PERF-2 gives these.
  it.each([
    [1e-4, 10_000, 0.632],
    [1e-4, 100_000, 0.99995],
    [1e-8, 100_000, 0.001],
  ])('comes of a false match rate of %d among %d to %d', (fmr, templates, fpir) => {
    const budget = identificationBudget(cardOf(fmr), { fpirMax: 0.001 }, templates);
    expect(budget).toMatchObject({ templates, fmr, fpirMax: 0.001 });
    expect(budget.fpir).toBeCloseTo(fpir, 3);
  });

  it('has all its digits where the rate is small and the gallery large', () => {
    // 1 - (1 - x)^n = n x - n (n - 1) / 2 x^2 + ...
    const { fpir } = identificationBudget(cardOf(1e-12), { fpirMax: 0.001 }, 1_000_000);
    expect(fpir / (1e-6 - 0.5e-12)).toBeCloseTo(1, 9);
  });

  it('is kept up to as many templates as it says, and by none more', () => {
    const cases = fc.tuple(rate(1e-12, 0.5), rate(1e-6, 0.001));
    fc.assert(
      fc.property(cases, ([fmr, fpirMax]) => {
        const { templatesMax } = identificationBudget(cardOf(fmr), { fpirMax }, 0);
        const isKept = (templates: number) => identificationBudget(cardOf(fmr), { fpirMax }, templates).isKept;
        // At the very bound the last bit of a logarithm may say either.
        expect(isKept(Math.max(0, templatesMax - 1))).toBe(true);
        expect(isKept(templatesMax + 2)).toBe(false);
      }),
    );
  });

  it('is spent by anybody where nothing is known, and by nobody in an empty gallery', () => {
    expect(identificationBudget(cardOf(1), { fpirMax: 0.001 }, 1)).toMatchObject({ fpir: 1, isKept: false });
    expect(identificationBudget(cardOf(1), { fpirMax: 0.001 }, 0)).toMatchObject({ isKept: true, templatesMax: 0 });
    expect(identificationBudget(cardOf(0), { fpirMax: 0.001 }, 1_000_000)).toMatchObject({ fpir: 0, isKept: true });
  });
});
