import { Outcomes } from './outcomes.js';

export const comparisonsMax = 20_000_000;
export const groupsMax = 21;
const subjectsMax = 4_000_000;
const nameMax = 80;

/** The score of one comparison, and whether it was mated: of two captures of the same person. */
export interface Comparison {
  readonly score: number;
  readonly isMated: boolean;
  /** The demographic group it counts in, as the data set labels it. */
  readonly group?: string | undefined;
  /** Whose captures were compared: one name twice where it is mated. */
  readonly subjects?: readonly [string, string] | undefined;
}

/** A comparison that cannot be counted, and why. */
export class UnfitComparison extends Error {
  override readonly name = 'UnfitComparison';
}

/** Comparisons in memory: 19 bytes each, and each name once. */
export class Comparisons {
  #count = 0;
  #scores = new Float64Array(1_024);
  #marks = new Uint8Array(1_024);
  #first = new Int32Array(1_024);
  #second = new Int32Array(1_024);
  readonly #groups = new Map<string, number>();
  readonly #subjects = new Map<string, number>();

  get count(): number {
    return this.#count;
  }

  /** How many people were compared, where that is known. */
  get subjectCount(): number | undefined {
    return this.#subjects.size > 0 ? this.#subjects.size : undefined;
  }

  get groups(): string[] {
    return [...this.#groups.keys()].sort();
  }

  /** @throws UnfitComparison, after which this is of no use */
  add({ score, isMated, group, subjects }: Comparison): void {
    if (!Number.isFinite(score)) throw new UnfitComparison('its score is not a number');
    if (this.#count > 0 && Boolean(subjects) !== this.#subjects.size > 0) {
      throw new UnfitComparison('either every comparison names its subjects, or none does');
    }
    if (subjects && (subjects[0] === subjects[1]) !== isMated) {
      throw new UnfitComparison(isMated ? 'it is mated, but of two subjects' : 'it is non-mated, but of one subject');
    }
    if (this.#count === comparisonsMax) throw new UnfitComparison(`it is one more than ${comparisonsMax} comparisons`);
    const mark = group ? numberOf(this.#groups, group, groupsMax, 'groups') : -1;
    const [first, second] = (subjects ?? []).map((name) => numberOf(this.#subjects, name, subjectsMax, 'subjects'));
    if (this.#count === this.#scores.length) this.#grow();
    // Adding 0 makes -0 one with 0, as they are one threshold.
    this.#scores[this.#count] = score + 0;
    this.#marks[this.#count] = 2 * (mark + 1) + Number(isMated);
    this.#first[this.#count] = first ?? -1;
    this.#second[this.#count] = second ?? -1;
    this.#count += 1;
  }

  /** The mated or the non-mated ones, of one group or of all. */
  outcomes(isMated: boolean, group?: string): Outcomes {
    const wanted = group === undefined ? undefined : 2 * ((this.#groups.get(group) ?? groupsMax) + 1) + Number(isMated);
    const rows = new Uint32Array(this.#count);
    let found = 0;
    for (let row = 0; row < this.#count; row++) {
      const mark = this.#marks[row] as number;
      if (wanted === undefined ? (mark & 1) === Number(isMated) : mark === wanted) rows[found++] = row;
    }
    const taken = rows.subarray(0, found);
    const subjects = this.#subjects.size > 0 ? { first: this.#first, second: this.#second } : undefined;
    return new Outcomes(isMated, this.#scores, taken, subjects);
  }

  #grow(): void {
    const length = 2 * this.#scores.length;
    const grown = <T extends Float64Array | Int32Array | Uint8Array>(larger: T, column: T) => {
      larger.set(column);
      return larger;
    };
    this.#scores = grown(new Float64Array(length), this.#scores);
    this.#marks = grown(new Uint8Array(length), this.#marks);
    this.#first = grown(new Int32Array(length), this.#first);
    this.#second = grown(new Int32Array(length), this.#second);
  }
}

function numberOf(names: Map<string, number>, name: string, max: number, what: string): number {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (names.size === max) throw new UnfitComparison(`there are more than ${max} ${what}`);
  if (name.length > nameMax) throw new UnfitComparison(`a name in it is longer than ${nameMax} characters`);
  names.set(name, names.size);
  return names.size - 1;
}
