/** Of a threshold card: a score of `accept` or more accepts, one of `review` or more is inconclusive. review ≤ accept. */
export interface Thresholds {
  readonly accept: number;
  readonly review: number;
}

export const decisions = ['accept', 'inconclusive', 'reject'] as const;
export type Decision = (typeof decisions)[number];

/** Four bands, and no finer: whoever sees scores can climb them to a face that is accepted. */
export const bands = ['strong', 'match', 'near', 'none'] as const;
export type Band = (typeof bands)[number];

/** What a score means. NaN, of what could not be compared, is rejected. */
export function decisionOf(score: number, { accept, review }: Thresholds): Decision {
  if (score >= accept) return 'accept';
  return score >= review ? 'inconclusive' : 'reject';
}

/** All that is told of a score: `strong` from halfway between accept and 1, then as decided: `match`, `near`, `none`. */
export function bandOf(score: number, card: Thresholds): Band {
  if (score >= (card.accept + 1) / 2 && score >= card.accept) return 'strong';
  const decided = { accept: 'match', inconclusive: 'near', reject: 'none' } as const;
  return decided[decisionOf(score, card)];
}
