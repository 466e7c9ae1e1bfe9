import { TestClock } from '../../../test/support/clock.js';
import { Closings } from './closings.js';

describe('Closings', () => {
  let clock: TestClock;
  let warned: string[];
  let closed: string[];
  let closings: Closings;
  beforeEach(() => {
    clock = new TestClock();
    warned = [];
    closed = [];
    closings = new Closings(clock, (line) => warned.push(line));
  });

  it('closes what works, then stores, then connections', async () => {
    const close = (name: string) => closed.push(name);
    await closings.opened('connections', 'connection', 'c', close);
    await closings.opened('stores', 'store', 's', close);
    await closings.opened('work', 'feed', 'f', close);
    await closings.close();
    await closings.close();
    expect([closed, warned]).toEqual([['f', 's', 'c'], []]);
  });

  it('goes on where one fails, or hangs, and says which', async () => {
    await closings.opened('connections', 'connection', 'c', (name) => closed.push(name));
    await closings.opened('stores', 'store', 's', () =>
      Promise.reject(Object.assign(new Error('at one:1'), { name: 'Gone' })),
    );
    await closings.opened('work', 'feed', 'f', () => new Promise(() => undefined));
    const ended = closings.close();
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(3_000);
    await ended;
    expect(closed).toEqual(['c']);
    expect(warned).toEqual(['closing the feed takes too long', 'closing the store fails with Gone']);
  });
});
