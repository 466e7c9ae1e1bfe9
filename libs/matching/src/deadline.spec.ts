import { TestClock } from '../../../test/support/clock.js';
import { Deadline, Overdue } from './deadline.js';

describe('a deadline', () => {
  it('lets through what comes in time, good or bad', async () => {
    const deadline = new Deadline(new TestClock());
    expect(await deadline.within(Promise.resolve(7), 100)).toBe(7);
    await expect(deadline.within(Promise.reject(new RangeError('bad')), 100)).rejects.toThrow(RangeError);
  });

  it('ends waiting for what does not, and for that alone', async () => {
    const deadline = new Deadline(new TestClock());
    const slow = new Promise<number>((resolve) => setTimeout(() => resolve(1), 150));
    const [never, late] = await Promise.allSettled([
      deadline.within(new Promise<number>(() => {}), 100),
      deadline.within(slow, 1_000),
    ]);
    expect(never).toMatchObject({ status: 'rejected', reason: expect.any(Overdue) });
    expect(late).toMatchObject({ status: 'fulfilled', value: 1 });
  });

  it('ends nobody because a clock jumped', async () => {
    const clock = new TestClock();
    const deadline = new Deadline(clock);
    const slow = deadline.within(new Promise<number>((resolve) => setTimeout(() => resolve(1), 120)), 1_000);
    clock.advance(3_600_000);
    clock.advance(-7_200_000);
    expect(await slow).toBe(1);
  });
});
