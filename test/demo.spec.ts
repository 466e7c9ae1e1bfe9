import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ThresholdCardId, ThresholdCardPublished } from '#lib/policy/contract';

const root = join(import.meta.dirname, '..');
const json = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));

interface Figures {
  readonly interval: (k: number, n: number) => { readonly low: number; readonly high: number };
  readonly cosine: (a: Float32Array, b: Float32Array) => number;
}
const figures: Promise<Figures> = import(join(root, 'demo/src/figures.mjs'));

/** What of the demo can be checked without its packages. */
describe('the demo', () => {
  it('has a threshold card that the API takes', () => {
    const terms = json('demo/threshold-card.json');
    const published = ThresholdCardPublished({ thresholdCardId: ThresholdCardId.parse('demo'), terms });
    expect(published.data.terms).toEqual(terms);
  });

  it('has packages of its own, which no other command installs', () => {
    const { dependencies, devDependencies } = json('package.json');
    const own = Object.keys(json('demo/package.json').dependencies);
    expect(own.filter((name) => name in dependencies || name in devDependencies)).toEqual([]);
  });

  it('measures as the server does', async () => {
    const { cosine } = await figures;
    expect(cosine(Float32Array.of(3, 4), Float32Array.of(6, 8))).toBeCloseTo(1, 12);
    expect(cosine(Float32Array.of(1, 0), Float32Array.of(1, 1))).toBeCloseTo(Math.SQRT1_2, 12);
    expect(cosine(Float32Array.of(1, 0), Float32Array.of(-2, 0))).toBe(-1);
  });

  // Clopper and Pearson by the quantiles of the beta distribution; 0 of n is 1 - 0.05^(1/n), about 3/n.
  it.each([
    [0, 231, 0, 0.012885],
    [3, 100, 0.00623, 0.085176],
    [50, 100, 0.398321, 0.601679],
    [100, 100, 0.963783, 1],
  ])('says of %i in %i that the rate is between %f and %f', async (k, n, low, high) => {
    const { interval } = await figures;
    expect(interval(k, n).low).toBeCloseTo(low, 5);
    expect(interval(k, n).high).toBeCloseTo(high, 5);
  });
});
