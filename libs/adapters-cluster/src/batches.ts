interface Waiting<Item> {
  readonly item: Item;
  readonly settle: (outcome: Promise<void>) => void;
}

/** Does together what comes together: one batch at a time, and whatever comes meanwhile waits for the next one. */
export class Batches<Item> {
  private waiting: Waiting<Item>[] = [];
  private isRunning = false;

  /** `run` answers an outcome for each item; when it throws, that is the outcome of them all. */
  constructor(
    private readonly countMax: number,
    private readonly run: (items: readonly Item[]) => Promise<readonly Promise<void>[]>,
  ) {}

  get isIdle(): boolean {
    return !this.isRunning;
  }

  /** Resolves, or throws, as the item's own outcome. */
  add(item: Item): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.push({ item, settle: resolve });
    if (!this.isRunning) void this.runAll();
    return promise;
  }

  private async runAll(): Promise<void> {
    this.isRunning = true;
    // Whatever is added in this turn belongs to the first batch.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.countMax);
      const outcomes = await this.run(batch.map(({ item }) => item)).catch((error: unknown) =>
        batch.map(() => Promise.reject(error)),
      );
      for (const [n, { settle }] of batch.entries()) settle(outcomes[n] ?? Promise.resolve());
    }
    this.isRunning = false;
  }
}
