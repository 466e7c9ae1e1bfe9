import { Injectable } from '@nestjs/common';
import { Fault } from '#lib/core';
import { Clock } from '#lib/ports';

const tickMs = 50;

/** It took longer than the caller can wait. The work goes on; what comes of it is nobody's answer. */
export class Overdue extends Fault {
  override readonly name = 'Overdue';
}

/**
 * Ends waiting in time, with one timer for all who wait: a timer for each of 20,000 requests a second costs more than a
 * comparison. Counted in ticks, so that a jump of the clock ends nobody's.
 */
@Injectable()
export class Deadline {
  private readonly waiting = new Set<{ ticks: number; readonly end: () => void }>();
  private isTicking = false;

  constructor(private readonly clock: Clock) {}

  /** @throws Overdue after about `maxMs` */
  within<T>(work: Promise<T>, maxMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const entry = { ticks: Math.ceil(maxMs / tickMs), end: () => reject(new Overdue()) };
      this.waiting.add(entry);
      if (!this.isTicking) void this.tick();
      work.then(
        (value) => {
          this.waiting.delete(entry);
          resolve(value);
        },
        (error: unknown) => {
          this.waiting.delete(entry);
          reject(error);
        },
      );
    });
  }

  private async tick(): Promise<void> {
    this.isTicking = true;
    while (this.waiting.size > 0) {
      await this.clock.sleep(tickMs);
      for (const entry of this.waiting) {
        entry.ticks -= 1;
        if (entry.ticks > 0) continue;
        this.waiting.delete(entry);
        entry.end();
      }
    }
    this.isTicking = false;
  }
}
