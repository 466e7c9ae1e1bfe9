import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { TenantId } from '#lib/core';
import { type EventStore, JobsUnavailable } from '#lib/ports';
import { TestClock } from '../../../test/support/clock.js';
import type { DueEraser } from './due-eraser.js';
import { SweepLoop } from './sweep-loop.js';
import type { Sweeper } from './sweeper.js';

beforeAll(() => Logger.overrideLogger(false));

describe('the loop of sweeps', () => {
  const clock = new TestClock();
  const calls: string[] = [];
  const failing = { sweep: false, hint: false };
  const sweeper = {
    sweepAll: async () => {
      calls.push('sweep');
      if (failing.sweep) throw new RangeError('broken');
    },
  } as unknown as Sweeper;
  const eraser = {
    listen: () => undefined,
    hint: async (_: TenantId, withinMs: number) => {
      calls.push(`hint ${withinMs / 60_000} min`);
      if (failing.hint) throw new JobsUnavailable();
    },
  } as unknown as DueEraser;
  const store = { tenants: async () => ['here', 'there'].map((name) => TenantId.parse(name)) } as unknown as EventStore;
  const round = async (): Promise<string[]> => {
    calls.length = 0;
    clock.advance(60_000);
    await sleep(20);
    return [...calls];
  };
  let loop: SweepLoop;

  beforeEach(async () => {
    Object.assign(failing, { sweep: false, hint: false });
    loop = new SweepLoop(sweeper, eraser, store, clock);
    loop.start(60_000);
    await sleep(20);
  });
  afterEach(() => loop.stop());

  it('sweeps every tenant, and then hints at what comes due within the hour', async () => {
    expect(await round()).toEqual(['sweep', 'hint 60 min', 'hint 60 min']);
  });

  it('goes on sweeping while no job can be asked for, and asks for one tenant only', async () => {
    failing.hint = true;
    expect(await round()).toEqual(['sweep', 'hint 60 min']);
    expect(await round()).toEqual(['sweep', 'hint 60 min']);
  });

  it('hints though a sweep failed', async () => {
    failing.sweep = true;
    expect(await round()).toEqual(['sweep', 'hint 60 min', 'hint 60 min']);
  });
});
