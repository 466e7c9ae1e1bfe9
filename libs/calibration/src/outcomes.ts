import { type Compared, designEffects } from './dependence.js';
import { effectiveCount, type Interval, intervalOf } from './interval.js';
import { placeOf } from './place.js';

/** An error rate as it was seen, and where it lies with 95 % confidence. */
export interface Rate {
  readonly errors: number;
  readonly count: number;
  readonly rate: number;
  readonly interval: Interval;
  /** How many independent comparisons these are worth: what the interval is made from. */
  readonly effective: number;
}

/**
 * An effect is estimated where so many err: what fewer show of it is chance, and none shows nothing. Non-mated ones need
 * more, as who is easily taken for others is in few of them but, then, in many.
 */
const telling = { mated: 30, nonMated: 100 };

/**
 * All mated, or all non-mated, comparisons in the order of their scores. What errs at a threshold is a beginning or an end
 * of that order: mated ones below it (false non-matches), non-mated ones at or above it (false matches).
 */
export class Outcomes {
  /** Ascending. */
  readonly scores: Float64Array;
  /** Who was compared, in the order in which they come to err. */
  readonly #compared: Compared | undefined;

  constructor(
    readonly isMated: boolean,
    scores: Float64Array,
    rows: Uint32Array,
    subjects?: Compared,
  ) {
    this.scores = new Float64Array(rows.length);
    for (let n = 0; n < rows.length; n++) this.scores[n] = scores[rows[n] as number] as number;
    this.scores.sort();
    if (subjects) this.#compared = this.#inOrder(scores, rows, subjects);
  }

  get count(): number {
    return this.scores.length;
  }

  errorsAt(threshold: number): number {
    const below = placeOf(this.scores, threshold);
    return this.isMated ? below : this.count - below;
  }

  rateAt(threshold: number): number {
    return this.count === 0 ? Number.NaN : this.errorsAt(threshold) / this.count;
  }

  /** The rates at any number of thresholds: one pass over the comparisons for all of them. */
  ratesAt(thresholds: readonly number[]): Rate[] {
    const errors = thresholds.map((threshold) => this.errorsAt(threshold));
    if (!this.#compared) return errors.map((seen) => this.#rate(seen, this.count));
    const asked = errors.map((seen) => this.#tellingErrors(seen));
    const { effects, clusters } = designEffects(this.#compared, asked);
    return errors.map((seen, n) => this.#rate(seen, effectiveCount(this.count, effects[n] as number, clusters)));
  }

  /** The count nearest to `errors` that tells of an effect, and that some threshold has. */
  #tellingErrors(errors: number): number {
    const few = Math.min(this.isMated ? telling.mated : telling.nonMated, Math.floor(this.count / 2));
    const within = Math.max(few, Math.min(errors, this.count - few));
    if (within === 0) return 0;
    const last = this.scores[this.isMated ? within - 1 : this.count - within] as number;
    const [before, after] = this.isMated
      ? [this.errorsAt(last), placeOf(this.scores, last, this.count, true)]
      : [this.count - placeOf(this.scores, last, this.count, true), this.errorsAt(last)];
    return after === this.count ? before : after;
  }

  #rate(errors: number, effective: number): Rate {
    const rate = this.count === 0 ? Number.NaN : errors / this.count;
    const isAll = errors === this.count;
    const interval = intervalOf(isAll ? effective : rate * effective, effective);
    return { errors, count: this.count, rate, interval, effective };
  }

  /** Puts the subjects where the scores went. Which of two equal scores comes first has no consequence: no threshold lies between. */
  #inOrder(scores: Float64Array, rows: Uint32Array, { first, second }: Compared): Compared {
    const ordered = { first: new Int32Array(rows.length), second: new Int32Array(rows.length) };
    const taken = new Uint32Array(rows.length);
    for (const row of rows) {
      const place = placeOf(this.scores, scores[row] as number);
      const ascending = place + (taken[place] as number);
      taken[place] = (taken[place] as number) + 1;
      const at = this.isMated ? ascending : rows.length - 1 - ascending;
      ordered.first[at] = first[row] as number;
      ordered.second[at] = second[row] as number;
    }
    return ordered;
  }
}
