import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { DynamicModule, ValueProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { BullJobs } from '#lib/adapters-cluster';
import { SystemClock } from '#lib/adapters-system';
import { Clock, Jobs } from '#lib/ports';
import { TestApi } from '../support/api.js';
import { enrolled, erasureOf } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';
import { OwnServices } from '../support/own-services.js';

describe('retention, when Redis loses everything', () => {
  let services: OwnServices;
  let api: TestApi;
  let jobs: BullJobs;
  const over = (adapters: DynamicModule): DynamicModule => ({
    ...adapters,
    providers: (adapters.providers ?? []).map((provider) => {
      const { provide } = provider as ValueProvider;
      return provide === Jobs ? { provide, useFactory: openJobs, inject: [Clock] } : provider;
    }),
  });
  const openJobs = async (clock: Clock) => {
    const redis = { url: services.env.REDIS_URL as string, prefix: `spec-${randomUUID()}:` };
    jobs = await BullJobs.open({ redis, clock, ticks: new SystemClock() });
    return jobs;
  };
  const until = async (condition: () => Promise<boolean>) => {
    for (const deadline = Date.now() + 20_000; !(await condition()); await pause(50)) {
      if (Date.now() > deadline) throw new Error('not within 20 s');
    }
  };

  beforeEach(async () => {
    services = await OwnServices.up('redis');
    api = await TestApi.start({ sweepEveryMs: 60_000 }, over);
  });
  afterEach(async () => {
    await api.close();
    await jobs.close();
    await services.down();
  });

  it('erases to the second what is due after the next sweep, by a job that was made again', async () => {
    const here = await Hospital.open(api);
    const { templateId, template } = await enrolled(here);
    const leftMs = () => Date.parse(template.dueAt) - api.clock.now().getTime();
    api.clock.advance(leftMs() - 30 * 60_000);
    await until(async () => (await jobs.waiting()) === 1);
    const redis = new Redis(services.env.REDIS_URL as string);
    await redis.flushall();
    redis.disconnect();
    expect(await jobs.waiting()).toBe(0);

    api.clock.advance(leftMs() - 5_000);
    await until(async () => (await jobs.waiting()) === 1);
    await until(async () => jobs.counts.done === 1);
    const { blockedAt, trigger } = await erasureOf(here, templateId);
    expect(trigger).toBe('inactivity');
    expect(Date.parse(blockedAt) - Date.parse(template.dueAt)).toBeGreaterThanOrEqual(0);
    expect(Date.parse(blockedAt) - Date.parse(template.dueAt)).toBeLessThan(10_000);
  });

  it('erases with the next sweep what is due while Redis is away', async () => {
    const here = await Hospital.open(api);
    const { templateId, template } = await enrolled(here);
    await services.kill('redis');
    const leftMs = () => Date.parse(template.dueAt) - api.clock.now().getTime();
    api.clock.advance(leftMs() - 30 * 60_000);
    await until(async () => jobs.counts.unavailable > 0);
    api.clock.advance(leftMs() + 1);
    const { blockedAt } = await erasureOf(here, templateId);
    expect(Date.parse(blockedAt) - Date.parse(template.dueAt)).toBeLessThan(60_000);
  });
});
