import { officer, thresholdCard, thresholdCardId } from '../../../test/support/policy.js';
import { PublishThresholdCard, publishThresholdCard } from './publish-threshold-card.js';
import { ThresholdCardId, ThresholdCardPublished, ThresholdCardTerms } from './threshold-card.stream.js';

const id = ThresholdCardId.parse(thresholdCardId);
const terms = ThresholdCardTerms.parse(thresholdCard);
const other = ThresholdCardTerms.parse({ ...thresholdCard, accept: 0.6 });
const publish = (known: ThresholdCardTerms | undefined) =>
  publishThresholdCard(known, new PublishThresholdCard(officer, id, terms));

describe('publish threshold card', () => {
  it('records its figures once', () => {
    expect(publish(undefined)).toEqual([ThresholdCardPublished({ thresholdCardId: id, terms })]);
    expect(publish(terms)).toEqual([]);
  });

  it('is refused where it has other figures', () => {
    expect(() => publish(other)).toThrow(expect.objectContaining({ code: 'policy.threshold-card-exists' }));
  });

  it.each([
    ['review above accept', { review: 0.51 }],
    ['an accept no cosine reaches', { accept: 1.01 }],
    ['another metric', { metric: 'euclidean' }],
    ['a rate outside its interval', { fmr: 0.001 }],
    ['an interval upside down', { interval: { low: 0.0001, high: 0 } }],
    ['a dimension that is no integer', { model: { ...thresholdCard.model, dim: 1.5 } }],
    ['no origin of its figures', { dataset: '' }],
    ['an unknown field', { extra: 1 }],
  ])('may not have %s', (_, change) => {
    expect(ThresholdCardTerms.safeParse({ ...thresholdCard, ...change }).success).toBe(false);
  });
});
