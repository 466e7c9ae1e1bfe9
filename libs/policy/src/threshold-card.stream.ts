import { z } from 'zod';
import { defineEvent, defineRefusals, defineStream, type EventOf, Slug, Text } from '#lib/core';

export const ThresholdCardId = Slug.brand<'ThresholdCardId'>();
export type ThresholdCardId = z.output<typeof ThresholdCardId>;

/** Which model made an embedding. Embeddings of different models say nothing about each other (FMT-1). */
export const ModelIdentity = z.strictObject({ id: Slug, version: z.string().min(1).max(40) });
export type ModelIdentity = z.output<typeof ModelIdentity>;

export const dimensionMax = 2_048;
export const Dimension = z.int().min(16).max(dimensionMax);

const Rate = z.number().min(0).max(1);

/** From which scores on a comparison accepts, and what is known of its errors (PERF-1). */
export const ThresholdCardTerms = z
  .strictObject({
    model: ModelIdentity.extend({ dim: Dimension }),
    metric: z.literal('cosine'),
    /** A score of at least this accepts. */
    accept: z.number().min(-1).max(1),
    /** A score of at least this, but below `accept`, is inconclusive. */
    review: z.number().min(-1).max(1),
    /** False match rate at `accept`, with its 95 % confidence interval (ISO/IEC 19795-1). */
    fmr: Rate,
    interval: z.strictObject({ low: Rate, high: Rate }),
    /** What data the figures come from. */
    dataset: Text,
  })
  .refine(({ accept, review }) => review <= accept, { path: ['review'], params: { code: 'above-accept' } })
  .refine(({ fmr, interval }) => interval.low <= fmr && fmr <= interval.high, { path: ['interval'] });
export type ThresholdCardTerms = z.output<typeof ThresholdCardTerms>;

export const ThresholdCardPublished = defineEvent({
  type: 'policy.threshold-card-published',
  version: 1,
  data: z.strictObject({ thresholdCardId: ThresholdCardId, terms: ThresholdCardTerms }),
});

export const refusals = defineRefusals('policy', {
  'threshold-card-missing': ['missing', 'There is no such threshold card'],
  'threshold-card-exists': ['conflict', 'The threshold card is published with other figures'],
});

/** A threshold card never changes: other figures are another card. */
export const ThresholdCardStream = defineStream({
  name: 'threshold-card',
  events: [ThresholdCardPublished],
  initial: undefined as ThresholdCardTerms | undefined,
  evolve: (_, { data }: EventOf<typeof ThresholdCardPublished>) => data.terms,
});
