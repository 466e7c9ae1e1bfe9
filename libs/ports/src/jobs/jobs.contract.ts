import { setTimeout as sleep } from 'node:timers/promises';
import { TenantId } from '#lib/core';
import type { Job, Jobs } from './jobs.port.js';

const tenant = TenantId.parse('here');
const job = (subject: string, kind = 'count'): Job => ({ kind, tenant, subject });
const inMs = (ms: number) => new Date(Date.now() + ms);

interface Opened {
  readonly jobs: Jobs;
  readonly close: () => Promise<void>;
}

/** What every Jobs must do, in real time. `open` gives a fresh one without a job each time. */
export function jobsContract(open: () => Promise<Opened>): void {
  describe('Jobs contract', () => {
    let jobs: Jobs;
    let close: () => Promise<void>;
    let done: { readonly subject: string; readonly atMs: number }[];
    const subjects = () => done.map(({ subject }) => subject);
    const count = async ({ subject }: Job) => {
      done.push({ subject, atMs: Date.now() });
    };
    const until = async (condition: () => boolean, withinMs = 10_000) => {
      for (const deadline = Date.now() + withinMs; !condition(); await sleep(5)) {
        if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms; done: ${subjects().join(', ')}`);
      }
    };

    beforeEach(async () => {
      done = [];
      ({ jobs, close } = await open());
    });
    afterEach(() => close());

    it('does a job at its time, not before', async () => {
      jobs.handle('count', count);
      const at = inMs(150);
      await jobs.schedule(job('later'), at);
      await until(() => done.length === 1);
      expect(done[0]?.atMs).toBeGreaterThanOrEqual(at.getTime() - 1);
    });

    it('does a job as soon as can be when its time is past, and hands it over whole', async () => {
      const handed: Job[] = [];
      jobs.handle('count', async (each) => void handed.push(each));
      await jobs.schedule(job('a'), new Date(0));
      await until(() => handed.length === 1);
      expect(handed).toEqual([job('a')]);
    });

    it('does first what is first due, in whatever order it was asked for', async () => {
      jobs.handle('count', count);
      await jobs.schedule(job('third'), inMs(1_200));
      await jobs.schedule(job('first'), inMs(20));
      await jobs.schedule(job('second'), inMs(600));
      await until(() => done.length === 3);
      expect(subjects()).toEqual(['first', 'second', 'third']);
    });

    it('does a job that is years away not now', async () => {
      jobs.handle('count', count);
      await jobs.schedule(job('retention'), inMs(40 * 365 * 86_400_000));
      await sleep(100);
      expect(subjects()).toEqual([]);
      expect(await jobs.waiting()).toBe(1);
    });

    it('does once what was asked for twice, at the time asked for last', async () => {
      jobs.handle('count', count);
      await jobs.schedule(job('earlier'), inMs(60_000));
      await jobs.schedule(job('earlier'), inMs(20));
      await jobs.schedule(job('later'), inMs(600));
      const last = inMs(1_000);
      await jobs.schedule(job('later'), last);
      await until(() => done.length === 2);
      expect(subjects()).toEqual(['earlier', 'later']);
      expect(done[1]?.atMs).toBeGreaterThanOrEqual(last.getTime() - 1);
      await sleep(100);
      expect(done).toHaveLength(2);
    });

    it('tells jobs apart by kind, tenant and subject', async () => {
      const handed: Job[] = [];
      const all = [job('a'), job('a', 'other'), { ...job('a'), tenant: TenantId.parse('there') }];
      for (const kind of ['count', 'other']) jobs.handle(kind, async (each) => void handed.push(each));
      for (const each of all) await jobs.schedule(each, inMs(10));
      await until(() => handed.length === 3);
      expect(handed).toEqual(expect.arrayContaining(all));
    });

    it('takes back what has not begun, and minds nothing that is not there', async () => {
      jobs.handle('count', count);
      await jobs.schedule(job('a'), inMs(1_000));
      await jobs.schedule(job('b'), inMs(1_100));
      await jobs.cancel(job('a'));
      await jobs.cancel(job('none'));
      await until(() => done.length === 1);
      expect(subjects()).toEqual(['b']);
      expect(await jobs.waiting()).toBe(0);
    });

    it('can do again what was done', async () => {
      jobs.handle('count', count);
      await jobs.schedule(job('a'), inMs(0));
      await until(() => done.length === 1);
      await jobs.schedule(job('a'), inMs(0));
      await until(() => done.length === 2);
    });

    it('keeps jobs until somebody does their kind', async () => {
      await jobs.schedule(job('a'), new Date(0));
      expect(await jobs.waiting()).toBe(1);
      jobs.handle('count', count);
      await until(() => done.length === 1);
    });

    it('has one handler for each kind', async () => {
      jobs.handle('count', count);
      expect(() => jobs.handle('count', count)).toThrow(expect.objectContaining({ name: 'Error' }));
    });

    it('calls a failing handler again, with growing pauses, while others go on', async () => {
      let failures = 3;
      const calls: number[] = [];
      jobs.handle('fail', async () => {
        calls.push(Date.now());
        if (failures-- > 0) throw new Error('not now');
      });
      jobs.handle('count', count);
      await jobs.schedule(job('a', 'fail'), new Date(0));
      await jobs.schedule(job('b'), new Date(0));
      await until(() => done.length === 1, 1_000);
      await until(() => calls.length === 4, 15_000);
      const pauses = calls.slice(1).map((at, n) => at - (calls[n] ?? 0));
      expect(pauses[1]).toBeGreaterThan((pauses[0] ?? 0) * 1.2);
      expect(pauses[2]).toBeGreaterThan((pauses[1] ?? 0) * 1.2);
      await until(() => failures < 0);
      expect(await jobs.waiting()).toBe(0);
    }, 20_000);

    it('does hundreds that are due together, each once', async () => {
      jobs.handle('count', async (each) => {
        await sleep(1);
        await count(each);
      });
      const names = Array.from({ length: 500 }, (_, n) => `job-${n}`);
      const rest = names.values();
      const lane = async () => {
        for (const name of rest) await jobs.schedule(job(name), inMs(50));
      };
      await Promise.all(Array.from({ length: 50 }, lane));
      await until(() => done.length >= 500);
      expect(new Set(subjects())).toEqual(new Set(names));
      expect(done).toHaveLength(500);
    });

    it('waits for what runs when it is closed, and begins no more', async () => {
      let running = 0;
      jobs.handle('slow', async () => {
        running++;
        await sleep(200);
        running--;
      });
      jobs.handle('count', count);
      await jobs.schedule(job('a', 'slow'), new Date(0));
      await jobs.schedule(job('b'), inMs(100));
      await until(() => running === 1);
      await jobs.close();
      expect(running).toBe(0);
      await sleep(150);
      expect(subjects()).toEqual([]);
    });
  });
}
