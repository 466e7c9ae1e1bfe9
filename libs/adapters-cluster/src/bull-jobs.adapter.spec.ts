import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { Job } from '#lib/ports';
import { jobsContract } from '#lib/ports/contracts';
import { childOf, kill } from '../../../test/support/child.js';
import { OwnServices } from '../../../test/support/own-services.js';
import { BullJobs, type BullJobsParts } from './bull-jobs.adapter.js';
import { openRedis } from './redis-connection.js';

beforeAll(() => Logger.overrideLogger(false));

const ticks = new SystemClock();
const job = (subject: string, kind = 'count'): Job => ({ kind, tenant: TenantId.parse('here'), subject });
const inMs = (ms: number) => new Date(Date.now() + ms);

const until = async (condition: () => boolean | Promise<boolean>, withinMs = 20_000) => {
  for (const deadline = Date.now() + withinMs; !(await condition()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms`);
  }
};

/** Redis holds nothing of a spec when it is over. */
async function drop(url: string, prefix: string): Promise<void> {
  const redis = openRedis({ url, prefix }, 'spec');
  await until(() => redis.status === 'ready');
  const keys = await redis.keys(`${prefix}*`);
  if (keys.length > 0) await redis.del(...keys);
  redis.disconnect();
}

const shared = process.env.REDIS_URL ?? '';

jobsContract(async () => {
  const redis = { url: shared, prefix: `spec-${randomUUID()}:` };
  const jobs = await BullJobs.open({ redis, clock: ticks, ticks });
  const close = async () => {
    await jobs.close();
    await drop(redis.url, redis.prefix);
  };
  return { jobs, close };
});

describe('BullJobs', () => {
  const prefix = `spec-${randomUUID()}:`;
  const opened: BullJobs[] = [];
  const open = async (parts: Partial<BullJobsParts> = {}) => {
    const jobs = await BullJobs.open({ redis: { url: shared, prefix }, clock: ticks, ticks, ...parts });
    opened.push(jobs);
    return jobs;
  };

  afterEach(async () => {
    for (const jobs of opened.splice(0)) await jobs.close();
    await drop(shared, prefix);
  });

  it('keeps what failed to the last as a dead letter, that says what and not why, until it is asked for again', async () => {
    const jobs = await open({ attemptsMax: 2 });
    let isBroken = true;
    const done: string[] = [];
    jobs.handle('count', async ({ subject }) => {
      if (isBroken) throw new RangeError('the patient is called Yamada');
      done.push(subject);
    });
    await jobs.schedule(job('a:1/ü'), new Date(0));
    await until(async () => (await jobs.deadLetters(10)).count === 1);
    const { letters } = await jobs.deadLetters(10);
    expect(letters).toEqual([{ ...job('a:1/ü'), attempts: 2, since: expect.any(Date), error: 'RangeError' }]);
    expect(Date.now() - (letters[0]?.since.getTime() ?? 0)).toBeLessThan(10_000);
    expect(await jobs.waiting()).toBe(0);
    expect(jobs.counts).toMatchObject({ done: 0, failures: 2, deadLetters: 1 });

    const redis = openRedis({ url: shared, prefix }, 'spec');
    await until(() => redis.status === 'ready');
    const dumps = await Promise.all((await redis.keys(`${prefix}*`)).map((key) => redis.dumpBuffer(key)));
    expect(dumps.length).toBeGreaterThan(3);
    expect(dumps.some((dump) => dump?.includes('RangeError'))).toBe(true);
    expect(dumps.some((dump) => dump?.includes('Yamada'))).toBe(false);
    redis.disconnect();

    isBroken = false;
    await jobs.schedule(job('a:1/ü'), new Date(0));
    await until(() => done.length === 1);
    expect(await jobs.deadLetters(10)).toEqual({ count: 0, letters: [] });
  });

  it('shows the dead letters and the waiting of others', async () => {
    const worker = await open({ attemptsMax: 1 });
    worker.handle('count', () => Promise.reject(new Error('no')));
    await worker.schedule(job('a'), new Date(0));
    await worker.schedule(job('later', 'other'), inMs(60_000));
    const other = await open();
    await until(async () => (await other.deadLetters(10)).count === 1);
    expect(await other.waiting()).toBe(1);
  });

  it('does again what is asked for while it runs, after it and not beside it', async () => {
    const jobs = await open();
    let running = 0;
    let runs = 0;
    jobs.handle('count', async () => {
      expect(++running).toBe(1);
      if (++runs === 1) await jobs.schedule(job('a'), new Date(0));
      await sleep(100);
      running--;
    });
    await jobs.schedule(job('a'), new Date(0));
    await until(() => runs === 2 && running === 0);
    await sleep(200);
    expect(runs).toBe(2);
    expect(await jobs.waiting()).toBe(0);
  });

  it('does nothing before its time by the clock, whenever it is woken', async () => {
    class SetClock extends SystemClock {
      behindMs = 0;
      override now(): Date {
        return new Date(Date.now() - this.behindMs);
      }
    }
    const clock = new SetClock();
    const jobs = await open({ clock });
    const done: number[] = [];
    jobs.handle('count', async () => void done.push(clock.now().getTime()));
    const at = inMs(300);
    await jobs.schedule(job('a'), at);
    clock.behindMs = 700;
    await until(() => done.length === 1);
    expect(done[0]).toBeGreaterThanOrEqual(at.getTime());
  });

  it('has the job of a worker that was killed done by another one within seconds', async () => {
    const child = await childOf(`
      import { SystemClock } from '#lib/adapters-system';
      import { BullJobs } from './libs/adapters-cluster/src/bull-jobs.adapter.ts';
      const ticks = new SystemClock();
      const redis = { url: ${JSON.stringify(shared)}, prefix: ${JSON.stringify(prefix)} };
      const jobs = await BullJobs.open({ redis, clock: ticks, ticks });
      jobs.handle('count', async ({ subject }) => {
        process.send(subject);
        await ticks.sleep(600_000);
      });
      await jobs.schedule({ kind: 'count', tenant: 'here', subject: 'a' }, new Date(0));
    `);
    expect(child.told).toEqual(['a']);
    await kill(child);
    const jobs = await open();
    const done: string[] = [];
    jobs.handle('count', async ({ subject }) => void done.push(subject));
    await until(() => done.length === 1, 15_000);
    expect(done).toEqual(['a']);
    await until(() => jobs.counts.stalled === 1);
  });

  describe('when Redis fails', () => {
    let services: OwnServices;
    let url: string;

    beforeAll(async () => {
      services = await OwnServices.up('redis');
      url = services.env.REDIS_URL as string;
    });
    afterEach(async () => {
      for (const jobs of opened.splice(0)) await jobs.close();
      await services.start('redis');
      await drop(url, prefix);
    });
    afterAll(() => services.down());

    const refusedWithinMs = async (jobs: BullJobs) => {
      const begun = performance.now();
      for (const call of [() => jobs.schedule(job('x'), inMs(0)), () => jobs.cancel(job('x')), () => jobs.waiting()]) {
        await expect(call()).rejects.toMatchObject({ name: 'JobsUnavailable' });
      }
      return (performance.now() - begun) / 3;
    };

    it('says so within a second, and goes on with all that it knew when Redis is back', async () => {
      const jobs = await open({ redis: { url, prefix } });
      const done: string[] = [];
      jobs.handle('count', async ({ subject }) => void done.push(subject));
      await jobs.schedule(job('before'), inMs(1_500));
      await services.kill('redis');
      expect(await refusedWithinMs(jobs)).toBeLessThan(1_000);
      await services.start('redis');
      await until(async () => (await jobs.schedule(job('after'), inMs(0)).catch(() => 'no')) !== 'no');
      await until(() => done.length === 2);
      expect(done.sort()).toEqual(['after', 'before']);
    });

    it('says so within a second when Redis hangs', async () => {
      const jobs = await open({ redis: { url, prefix } });
      await jobs.schedule(job('first'), inMs(60_000));
      await services.freeze('redis', true);
      try {
        expect(await refusedWithinMs(jobs)).toBeLessThan(1_000);
      } finally {
        await services.freeze('redis', false);
      }
      await until(async () => (await jobs.waiting().catch(() => -1)) >= 1);
    });

    it('starts without it, and does what is asked for when it is there', async () => {
      await services.kill('redis');
      const jobs = await open({ redis: { url, prefix } });
      const done: string[] = [];
      jobs.handle('count', async ({ subject }) => void done.push(subject));
      expect(await refusedWithinMs(jobs)).toBeLessThan(1_000);
      await services.start('redis');
      await until(async () => (await jobs.schedule(job('a'), inMs(0)).catch(() => 'no')) !== 'no');
      await until(() => done.length === 1);
    });

    it('ends without it', async () => {
      const jobs = await open({ redis: { url, prefix } });
      jobs.handle('count', async () => undefined);
      await services.kill('redis');
      const begun = performance.now();
      await jobs.close();
      expect(performance.now() - begun).toBeLessThan(8_000);
    });

    it('loses all jobs with all data, and none that is asked for after, the ones that it lost too', async () => {
      const jobs = await open({ redis: { url, prefix } });
      const done: string[] = [];
      const held = Promise.withResolvers<void>();
      jobs.handle('count', async ({ subject }) => {
        done.push(subject);
        if (subject === 'running') await held.promise;
      });
      await jobs.schedule(job('running'), inMs(0));
      await jobs.schedule(job('lost'), inMs(300));
      await until(() => done.length === 1);
      const redis = openRedis({ url, prefix }, 'spec');
      await until(() => redis.status === 'ready');
      await redis.flushall();
      redis.disconnect();
      expect(await jobs.waiting()).toBe(0);
      await sleep(500);
      expect(done).toEqual(['running']);
      held.resolve();
      for (const subject of ['running', 'lost']) await jobs.schedule(job(subject), inMs(100));
      await until(() => done.length === 3);
      expect(done.sort()).toEqual(['lost', 'running', 'running']);
      expect(await jobs.waiting()).toBe(0);
    });
  });
});
