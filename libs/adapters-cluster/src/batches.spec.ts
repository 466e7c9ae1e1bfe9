import { Batches } from './batches.js';

describe('Batches', () => {
  it('do together what comes together, and then what came meanwhile, so many at most', async () => {
    const runs: (readonly number[])[] = [];
    const batches = new Batches<number>(3, async (items) => {
      runs.push(items);
      await new Promise(setImmediate);
      return items.map(async () => undefined);
    });
    const first = [batches.add(1), batches.add(2)];
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(batches.isIdle).toBe(false);
    await Promise.all([...first, ...[3, 4, 5, 6].map((item) => batches.add(item))]);
    expect(runs).toEqual([[1, 2], [3, 4, 5], [6]]);
    expect(batches.isIdle).toBe(true);
  });

  it('tell each its own outcome, and go on after a batch that failed', async () => {
    const batches = new Batches<string>(9, async (items) => {
      if (items.includes('all fail')) throw new Error('all failed');
      return items.map(async (item) => {
        if (item === 'fails') throw new Error('failed');
      });
    });
    const outcomes = await Promise.allSettled(['a', 'fails', 'b'].map((item) => batches.add(item)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const failed = await Promise.allSettled(['a', 'all fail'].map((item) => batches.add(item)));
    expect(failed.map((each) => (each.status === 'rejected' ? String(each.reason) : 'done'))).toEqual(
      Array(2).fill('Error: all failed'),
    );
    await batches.add('b');
  });
});
