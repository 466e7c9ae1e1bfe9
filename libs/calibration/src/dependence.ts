import { placeOf } from './place.js';

/** Who was compared with whom: the same one twice where a comparison is mated. */
export interface Compared {
  readonly first: Int32Array;
  readonly second: Int32Array;
}

/**
 * Sums of squares over parts of the comparisons, kept while these come to err one after another. With E errors among the n
 * of a part, and p among all, the part is off by E - pn; the sum of its square opens into three, of which p is no part.
 */
class Parts {
  readonly #counts: Int32Array;
  readonly #errors: Int32Array;
  #errorsSquared = 0;
  #errorsByCounts = 0;
  #countsSquared = 0;

  constructor(size: number) {
    this.#counts = new Int32Array(size);
    this.#errors = new Int32Array(size);
  }

  count(part: number): void {
    const before = this.#counts[part] as number;
    this.#countsSquared += 2 * before + 1;
    this.#counts[part] = before + 1;
  }

  err(part: number): void {
    const before = this.#errors[part] as number;
    this.#errorsSquared += 2 * before + 1;
    this.#errorsByCounts += this.#counts[part] as number;
    this.#errors[part] = before + 1;
  }

  squareAt(p: number): number {
    return this.#errorsSquared - 2 * p * this.#errorsByCounts + p * p * this.#countsSquared;
  }

  get occupied(): number {
    return this.#counts.reduce((sum, count) => sum + Number(count > 0), 0);
  }
}

/** A number for each pair of subjects, whichever of them is named first. */
function pairsOf({ first, second }: Compared): { pairs: Int32Array; pairCount: number } {
  const size = 1 + first.reduce((most, one, n) => Math.max(most, one, second[n] as number), 0);
  const key = (n: number) => {
    const [one, other] = [first[n] as number, second[n] as number];
    return one < other ? one * size + other : other * size + one;
  };
  const keys = new Float64Array(first.length);
  for (let n = 0; n < keys.length; n++) keys[n] = key(n);
  keys.sort();
  let pairCount = 0;
  for (let n = 0; n < keys.length; n++) if (n === 0 || keys[n] !== keys[n - 1]) keys[pairCount++] = keys[n] as number;
  const pairs = new Int32Array(first.length);
  for (let n = 0; n < pairs.length; n++) pairs[n] = placeOf(keys, key(n), pairCount);
  return { pairs, pairCount };
}

/**
 * How many times as much a rate varies as it would were the comparisons independent, where the first `errors` err, for
 * each of `wanted`: never less than once. Comparisons that share a subject may vary together in any way, others do not
 * (the variance of pairs, robust to clusters: Fafchamps and Gubert, Aronow). Sums of whole numbers, so the order of the
 * file has no consequence.
 */
export function designEffects(compared: Compared, wanted: readonly number[]): { effects: number[]; clusters: number } {
  const { first, second } = compared;
  const count = first.length;
  const { pairs, pairCount } = pairsOf(compared);
  const people = new Parts(1 + first.reduce((most, one, n) => Math.max(most, one, second[n] as number), 0));
  const shared = new Parts(pairCount);
  const eachPart = (n: number, see: 'count' | 'err') => {
    people[see](first[n] as number);
    if (first[n] === second[n]) return;
    people[see](second[n] as number);
    // Both subjects of a pair count what its comparisons share: once too often.
    shared[see](pairs[n] as number);
  };
  for (let n = 0; n < count; n++) eachPart(n, 'count');
  const clusters = people.occupied;
  const found = new Map<number, number>();
  let errors = 0;
  for (const next of [...new Set(wanted)].sort((a, b) => a - b)) {
    for (; errors < next; errors++) eachPart(errors, 'err');
    const p = errors / count;
    const square = ((people.squareAt(p) - shared.squareAt(p)) * clusters) / (clusters - 1);
    found.set(next, Math.max(1, square / (p * (1 - p) * count) || 1));
  }
  return { effects: wanted.map((errorCount) => found.get(errorCount) ?? 1), clusters };
}
