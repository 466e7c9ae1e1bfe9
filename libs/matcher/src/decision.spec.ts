import fc from 'fast-check';
import { bandOf, bands, decisionOf, decisions } from './decision.js';

const card = { accept: 0.5, review: 0.4 };
const below = (score: number) => score - Number.EPSILON / 2;

describe('a decision', () => {
  it.each([
    [1, 'accept', 'strong'],
    [0.75, 'accept', 'strong'],
    [below(0.75), 'accept', 'match'],
    [0.5, 'accept', 'match'],
    [below(0.5), 'inconclusive', 'near'],
    [0.4, 'inconclusive', 'near'],
    [below(0.4), 'reject', 'none'],
    [-1, 'reject', 'none'],
    [Number.NaN, 'reject', 'none'],
  ])('on %p is %s, and its band %s', (score, decision, band) => {
    expect(decisionOf(score, card)).toBe(decision);
    expect(bandOf(score, card)).toBe(band);
  });

  it('is never inconclusive when the card has no room for it', () => {
    const sharp = { accept: 0.5, review: 0.5 };
    expect([0.5, below(0.5)].map((score) => decisionOf(score, sharp))).toEqual(['accept', 'reject']);
  });

  it('is no worse for a better score, and its band says the same', () => {
    const score = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(score, score, score, score, (one, other, third, fourth) => {
        const thresholds = { accept: Math.max(third, fourth), review: Math.min(third, fourth) };
        const [worse, better] = [Math.min(one, other), Math.max(one, other)];
        const rank = (value: number) => decisions.indexOf(decisionOf(value, thresholds));
        const bandRank = (value: number) => bands.indexOf(bandOf(value, thresholds));
        expect(rank(better)).toBeLessThanOrEqual(rank(worse));
        expect(bandRank(better)).toBeLessThanOrEqual(bandRank(worse));
        expect(rank(one)).toBe(Math.max(0, bandRank(one) - 1));
      }),
    );
  });
});
