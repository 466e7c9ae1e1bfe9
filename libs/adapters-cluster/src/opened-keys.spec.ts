import { TestClock } from '../../../test/support/clock.js';
import { OpenedKeys } from './opened-keys.js';

describe('OpenedKeys', () => {
  const clock = new TestClock();
  let opened: OpenedKeys;
  let calls: string[];
  const open = (name: string) =>
    opened.get(name, async () => {
      calls.push(name);
      if (name === 'fails') throw new Error('not now');
      return name;
    });

  beforeEach(() => {
    opened = new OpenedKeys(2, 60_000, clock);
    calls = [];
  });

  it('opens once for all who want it at once, and for a while', async () => {
    expect(await Promise.all([open('a'), open('a'), open('b')])).toEqual(['a', 'a', 'b']);
    clock.advance(50_000);
    await open('a');
    expect(calls).toEqual(['a', 'b']);
    clock.advance(10_100);
    await open('a');
    expect(calls).toEqual(['a', 'b', 'a']);
  });

  it('keeps nothing longer because a clock was set back', async () => {
    await open('a');
    clock.advance(-3_600_000);
    await open('a');
    expect(calls).toEqual(['a', 'a']);
  });

  it('keeps so many at most, and nothing that failed', async () => {
    for (const name of ['a', 'b', 'c', 'a']) await open(name);
    expect(calls).toEqual(['a', 'b', 'c', 'a']);
    await expect(open('fails')).rejects.toThrow('not now');
    await expect(open('fails')).rejects.toThrow('not now');
    expect(calls.slice(4)).toEqual(['fails', 'fails']);
  });

  it('forgets what begins so', async () => {
    await open('t/a');
    await open('u/a');
    opened.forget('t/');
    await open('t/a');
    await open('u/a');
    expect(calls).toEqual(['t/a', 'u/a', 't/a']);
  });
});
