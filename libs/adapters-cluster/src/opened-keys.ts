import { LRUCache } from 'lru-cache';
import type { Clock } from '#lib/ports';

interface Opened {
  readonly value: Promise<unknown>;
  readonly openedMs: number;
}

/** What was opened not long ago: opened once for all who want it at once, kept for a while, so many at most. */
export class OpenedKeys {
  private readonly opened: LRUCache<string, Opened>;

  constructor(
    countMax: number,
    private readonly ageMaxMs: number,
    private readonly ticks: Clock,
  ) {
    this.opened = new LRUCache({ max: countMax });
  }

  /** What `open` made for this name; what failed is not kept. */
  get<T>(name: string, open: () => Promise<T>): Promise<T> {
    const nowMs = this.ticks.now().getTime();
    const known = this.opened.get(name);
    // Its age, and not when it ends: a clock that was set back must not lengthen it.
    if (known && Math.abs(nowMs - known.openedMs) < this.ageMaxMs) return known.value as Promise<T>;
    const value = open();
    const entry = { value, openedMs: nowMs };
    this.opened.set(name, entry);
    value.catch(() => {
      if (this.opened.get(name) === entry) this.opened.delete(name);
    });
    return value;
  }

  /** Forgets one, or all whose names begin with it. */
  forget(beginning: string): void {
    for (const name of [...this.opened.keys()]) if (name.startsWith(beginning)) this.opened.delete(name);
  }
}
