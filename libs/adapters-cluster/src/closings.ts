import type { Clock } from '#lib/ports';

/**
 * In this order, what is of one stage at once: what works ends what it does, then stores end what waits in them, then
 * connections go. With how long each may take, in ms: together they leave a server 5 s to end in.
 */
const stages = { work: 2_500, stores: 1_000, connections: 1_000 } as const;
export type Stage = keyof typeof stages;

interface Part {
  readonly name: string;
  readonly stage: Stage;
  readonly close: () => unknown;
}

/** What is open, and how it is closed again. */
export class Closings {
  private readonly parts: Part[] = [];

  constructor(
    private readonly ticks: Clock,
    private readonly warn: (line: string) => void,
  ) {}

  /** Opens a part that is to be closed again. */
  async opened<T>(stage: Stage, name: string, opening: T | Promise<T>, close: (part: T) => unknown): Promise<T> {
    const part = await opening;
    this.parts.unshift({ name, stage, close: () => close(part) });
    return part;
  }

  /**
   * Closes all, whichever fail. One that takes too long, as with a server that is down, is left as it is: the process ends
   * anyway, and nothing acknowledged waits for it.
   */
  async close(): Promise<void> {
    const parts = this.parts.splice(0);
    for (const [stage, maxMs] of Object.entries(stages)) {
      await Promise.all(parts.filter((part) => part.stage === stage).map((part) => this.end(part, maxMs)));
    }
  }

  private async end({ name, close }: Part, maxMs: number): Promise<void> {
    const over = new AbortController();
    const late = this.ticks.sleep(maxMs, over.signal).then(() => 'takes too long');
    const failure = await Promise.race([attempt(close), late]);
    over.abort();
    if (failure) this.warn(`closing the ${name} ${failure}`);
  }
}

async function attempt(close: () => unknown): Promise<string | undefined> {
  try {
    await close();
    return undefined;
  } catch (error) {
    // What it says may hold an address.
    return `fails with ${(error as Error | undefined)?.name ?? 'an error'}`;
  }
}
