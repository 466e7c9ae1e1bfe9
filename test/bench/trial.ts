/** A measurement of the whole product. It answers figures as they were, and says nothing about what they should be. */
export interface Trial {
  readonly name: string;
  /** When the test suite only asks whether it still works, and when the numbers count. */
  readonly smoke: Effort;
  readonly real: Effort;
  run(effort: Effort): Promise<readonly Figures[]>;
}

export interface Effort {
  /** How long each load lasts. */
  readonly seconds: number;
  /** How often floor and product take turns. */
  readonly rounds: number;
  /** Patients, or events, there are. */
  readonly count: number;
}

/** One line of what `npm run bench` prints. */
export type Figures = Readonly<Record<string, string | number>>;

/** Median, least and most of several rounds: machines are noisy. */
export function spread(values: readonly number[]): { median: number; min: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const round = (value = 0) => Number(value.toPrecision(4));
  return { median: round(sorted[sorted.length >> 1]), min: round(sorted[0]), max: round(sorted.at(-1)) };
}

/** `name: {median, min, max}` as three flat figures. */
export function spreadAs(name: string, values: readonly number[]): Figures {
  const { median, min, max } = spread(values);
  return { [name]: median, [`${name}Min`]: min, [`${name}Max`]: max };
}
