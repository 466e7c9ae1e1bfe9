import { Injectable, Logger } from '@nestjs/common';
import { Clock, EventStore } from '#lib/ports';
import { DueEraser } from './due-eraser.js';
import { Sweeper } from './sweeper.js';

const everyMsDefault = 60_000;
/**
 * What comes due so soon has a job: on time although a sweep may last many minutes, and cheap, as nearly all of what is kept
 * is due later.
 */
const hintedMs = 3_600_000;

/** Sweeps at once and then again and again, by the clock alone: it needs no job to be told (P8). For the worker only. */
@Injectable()
export class SweepLoop {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private readonly log = new Logger(SweepLoop.name);

  constructor(
    private readonly sweeper: Sweeper,
    private readonly dueEraser: DueEraser,
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /** Pauses for `everyMs` between the end of a sweep and the next. */
  start(everyMs = everyMsDefault): void {
    this.dueEraser.listen();
    this.running ??= this.run(everyMs);
  }

  /** Resolves when the sweep that is under way has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(everyMs: number): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.sweeper.sweepAll(signal);
      } catch {
        this.log.error('a sweep failed; the next one comes as always');
      }
      try {
        await this.hintAll(Math.max(hintedMs, everyMs), signal);
      } catch {
        this.log.warn('what comes due could not be hinted at; sweeps erase it all the same');
      }
      await this.clock.sleep(everyMs, signal);
    }
  }

  private async hintAll(withinMs: number, signal: AbortSignal): Promise<void> {
    for (const tenant of await this.store.tenants()) {
      if (signal.aborted) return;
      await this.dueEraser.hint(tenant, withinMs, signal);
    }
  }
}
