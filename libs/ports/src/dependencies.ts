/** A promise of the product, as docs/guarantees.md counts them. */
export type PromiseId = `P${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12}`;

/** What a process is there for: to answer callers, or to do what happens by itself. One process may be both. */
export type Duty = 'api' | 'worker';

/** A question whether something a process stands on can be used now. */
export interface Check {
  /** In the domain's words, such as `event-store`; at most 40 characters. */
  readonly name: string;
  /** The promises that a process with that duty cannot keep without it. None: all are kept, if later or by other means. */
  readonly promises: Readonly<Record<Duty, readonly PromiseId[]>>;
  /** What callers and operators notice while it is down: a sentence, at most 200 characters. */
  readonly without: string;
  /** Reads only. Resolves while it can be used; whoever asks gives up by themselves after a second. */
  readonly run: () => Promise<unknown>;
}

/** A figure that is looked up whenever someone asks, named as Prometheus names them; docs/metrics.md has a row for each. */
export interface Figure {
  readonly name: `lethe_${string}`;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  /** Where there are several numbers: what tells them apart, never an id, a path or a tenant. */
  readonly label?: string;
  /** A number, or one for each value of `label`. Where it cannot be told it throws: no number is made up. */
  readonly read: () => Reported | Promise<Reported>;
}

export type Reported = number | ReadonlyMap<string, number>;

/** What a family of adapters stands on beyond the ports, for readiness and for metrics. */
export class Dependencies {
  constructor(
    readonly checks: readonly Check[],
    readonly figures: readonly Figure[],
  ) {}
}
