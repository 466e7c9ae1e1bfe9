import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { Clock, type Job } from '#lib/ports';
import { jobsContract } from '#lib/ports/contracts';
import { TimerJobs } from './timer-jobs.adapter.js';

beforeAll(() => Logger.overrideLogger(false));

jobsContract(async () => {
  const jobs = new TimerJobs(new SystemClock());
  return { jobs, close: () => jobs.close() };
});

/** A clock that stands still until it is told to go on, and remembers how long it was asked to sleep. */
class StandingClock extends Clock {
  readonly asked: number[] = [];
  private sleepers: { readonly wakeMs: number; readonly wake: () => void }[] = [];
  private nowMs = 0;

  now(): Date {
    return new Date(this.nowMs);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.asked.push(ms);
    return new Promise((wake) => {
      this.sleepers.push({ wakeMs: this.nowMs + ms, wake });
      signal?.addEventListener('abort', () => wake());
    });
  }

  async advance(ms: number): Promise<void> {
    this.nowMs += ms;
    const woken = this.sleepers.filter(({ wakeMs }) => wakeMs <= this.nowMs);
    this.sleepers = this.sleepers.filter(({ wakeMs }) => wakeMs > this.nowMs);
    for (const { wake } of woken) wake();
    await sleep(5);
  }
}

describe('TimerJobs', () => {
  const day = 86_400_000;
  const job = (subject: string): Job => ({ kind: 'count', tenant: TenantId.parse('here'), subject });
  let clock: StandingClock;
  let jobs: TimerJobs;

  beforeEach(() => {
    clock = new StandingClock();
    jobs = new TimerJobs(clock);
  });
  afterEach(() => jobs.close());

  it('does what is due in years then, and never asks for a sleep that a timer cannot take', async () => {
    const done: string[] = [];
    jobs.handle('count', async ({ subject }) => void done.push(subject));
    await jobs.schedule(job('a'), new Date(30 * day));
    for (let n = 0; n < 29; n++) await clock.advance(day);
    expect(done).toEqual([]);
    await clock.advance(day);
    expect(done).toEqual(['a']);
    expect(Math.max(...clock.asked)).toBeLessThan(2 ** 31);
  });

  it('runs no more than eight at once, and none beside itself', async () => {
    const running = new Map<string, () => void>();
    const begun: string[] = [];
    jobs.handle('count', ({ subject }) => {
      expect(running.has(subject)).toBe(false);
      begun.push(subject);
      return new Promise((end) => running.set(subject, end));
    });
    const end = async (subject: string) => {
      const ending = running.get(subject);
      running.delete(subject);
      ending?.();
      await sleep(5);
    };
    for (let n = 0; n < 10; n++) await jobs.schedule(job(`${n}`), new Date(0));
    await jobs.schedule(job('0'), new Date(0));
    await sleep(5);
    expect(begun).toHaveLength(8);
    expect(await jobs.waiting()).toBe(3);
    for (const [n, subject] of [...running.keys()].entries()) {
      await end(subject);
      expect(begun).toHaveLength(Math.min(9 + n, 11));
    }
    for (const subject of [...running.keys()]) await end(subject);
    expect(begun.sort()).toEqual(['0', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(await jobs.waiting()).toBe(0);
  });

  it('pauses five minutes at most, however often a job fails', async () => {
    let calls = 0;
    jobs.handle('count', async () => {
      calls++;
      throw new Error('never');
    });
    await jobs.schedule(job('a'), new Date(0));
    await sleep(5);
    for (let n = 0; n < 12; n++) await clock.advance(5 * 60_000);
    expect(calls).toBe(13);
  });

  it('remembers a hundred thousand, quickly, and lets go of what is more', async () => {
    const begunAt = performance.now();
    for (let n = 0; n <= 100_000; n++) await jobs.schedule(job(`${n}`), new Date(day - n));
    for (let n = 0; n < 20_000; n++) await jobs.schedule(job('1'), new Date(day + n));
    expect(await jobs.waiting()).toBe(100_000);
    expect(performance.now() - begunAt).toBeLessThan(10_000);
  });
});
