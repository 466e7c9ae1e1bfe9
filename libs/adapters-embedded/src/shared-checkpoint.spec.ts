import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { SharedCheckpoint } from './shared-checkpoint.js';

/** A file whose checkpoints end when they are told to. */
class Log {
  readonly begunAt: number[] = [];
  running = 0;
  private readonly ends: ((failure?: Error) => void)[] = [];

  checkpoint(): Promise<void> {
    this.begunAt.push(performance.now());
    this.running++;
    return new Promise((resolve, reject) => {
      this.ends.push((failure) => {
        this.running--;
        if (failure) reject(failure);
        else resolve();
      });
    });
  }

  end(failure?: Error): void {
    this.ends.shift()?.(failure);
  }
}

describe('SharedCheckpoint', () => {
  let log: Log;
  let shared: SharedCheckpoint;
  let done: string[];
  const ask = (name: string) => shared.done().then(() => void done.push(name));
  const until = async (condition: () => boolean) => {
    for (let n = 0; n < 1_000 && !condition(); n++) await sleep(1);
    expect(condition()).toBe(true);
  };

  beforeEach(() => {
    log = new Log();
    shared = new SharedCheckpoint(log);
    done = [];
  });

  it('begins at once for the first, and is shared by all who ask in its turn', async () => {
    const asked = ['a', 'b', 'c'].map(ask);
    await turn();
    await turn();
    expect(log.begunAt).toHaveLength(1);
    expect(done).toEqual([]);
    log.end();
    await Promise.all(asked);
    expect(done).toEqual(['a', 'b', 'c']);
    await sleep(30);
    expect(log.begunAt).toHaveLength(1);
  });

  it('is not shared by those who ask once it has begun: they share the next, which waits for it and a rest', async () => {
    const first = ask('a');
    await until(() => log.running === 1);
    const later = [ask('b'), ask('c')];
    await sleep(30);
    expect(log.begunAt).toHaveLength(1);
    const endedAt = performance.now();
    log.end();
    await first;
    expect(done).toEqual(['a']);
    await until(() => log.running === 1);
    expect((log.begunAt[1] ?? 0) - endedAt).toBeGreaterThan(8);
    log.end();
    await Promise.all(later);
    expect(done).toEqual(['a', 'b', 'c']);
    expect(log.begunAt).toHaveLength(2);
  });

  it('tells a failure to those who shared it, and goes on', async () => {
    const failed = Promise.allSettled([shared.done(), shared.done()]);
    await until(() => log.running === 1);
    const next = ask('next');
    log.end(new Error('no'));
    expect(await failed).toMatchObject([
      { status: 'rejected', reason: { message: 'no' } },
      { status: 'rejected', reason: { message: 'no' } },
    ]);
    await until(() => log.running === 1);
    log.end();
    await next;
    expect(done).toEqual(['next']);
  });

  it('is idle when nobody waits for one to begin', async () => {
    await shared.idle();
    const first = ask('a');
    await until(() => log.running === 1);
    const second = ask('b');
    let isIdle = false;
    const idle = shared.idle().then(() => (isIdle = true));
    log.end();
    await first;
    expect(isIdle).toBe(false);
    await until(() => log.running === 1);
    log.end();
    await Promise.all([second, idle]);
    expect(done).toEqual(['a', 'b']);
  });
});
