/** From which scores on a comparison accepts, and from which on it is not sure. */
export interface Thresholds {
  readonly accept: number;
  readonly review: number;
}

export type ScoreDecision = 'accept' | 'inconclusive' | 'reject';

/** A score at a threshold is above it. */
export const decisionOf = (score: number, { accept, review }: Thresholds): ScoreDecision =>
  score >= accept ? 'accept' : score >= review ? 'inconclusive' : 'reject';

export type ScoreBand = 'strong' | 'match' | 'near' | 'none';

/** All that is ever told of a score: too coarse to climb by. `strong` is at least half-way from the threshold to 1. */
export function bandOf(score: number, thresholds: Thresholds): ScoreBand {
  switch (decisionOf(score, thresholds)) {
    case 'accept':
      return score >= (thresholds.accept + 1) / 2 ? 'strong' : 'match';
    case 'inconclusive':
      return 'near';
    case 'reject':
      return 'none';
  }
}
