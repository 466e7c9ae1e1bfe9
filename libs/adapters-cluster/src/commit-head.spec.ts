import * as fc from 'fast-check';
import { eventsMax } from './commit-document.js';
import { findHead } from './commit-head.js';

/** A log as the lengths of its commits; counts the looks into it. */
function logOf(lengths: readonly number[]) {
  const commits: { first: number; end: number }[] = [];
  for (const length of lengths) {
    const first = (commits.at(-1)?.end ?? 0) + 1;
    commits.push({ first, end: first + length - 1 });
  }
  const looks: number[] = [];
  const newestAfter = async (after: number) => {
    looks.push(after);
    return commits.filter(({ first }) => first > after && first <= after + eventsMax).at(-1)?.end;
  };
  return { commits, looks, newestAfter };
}

describe('findHead', () => {
  it('looks once where nothing is new, and once where little is', async () => {
    const { looks, newestAfter } = logOf([3, 4, 1]);
    expect([await findHead(8, newestAfter), await findHead(3, newestAfter), await findHead(0, newestAfter)]).toEqual([
      8, 8, 8,
    ]);
    expect(looks).toEqual([8, 3, 0]);
  });

  it('finds the end of any log, from any place in it that a commit ends at', async () => {
    const length = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constantFrom(1, 499, eventsMax - 1, eventsMax));
    const log = fc.array(length, { maxLength: 300, size: 'max' });
    await fc.assert(
      fc.asyncProperty(log, fc.nat(300), async (lengths, known) => {
        const { commits, looks, newestAfter } = logOf(lengths);
        const head = commits.at(-1)?.end ?? 0;
        expect(await findHead(commits[known]?.end ?? 0, newestAfter)).toBe(head);
        expect(looks.length).toBeLessThan(4 + 2 * Math.log2(1 + head / eventsMax));
      }),
      { numRuns: 300 },
    );
  });

  it('finds the end of a long log in a few looks', async () => {
    const head = 123_456_789;
    let looks = 0;
    const newestAfter = async (after: number) => {
      looks++;
      return after < head ? Math.min(after + eventsMax, head) : undefined;
    };
    expect(await findHead(0, newestAfter)).toBe(head);
    expect(looks).toBeLessThan(40);
  });

  it('follows a log that grows meanwhile, and ends', async () => {
    let head = 10_000;
    const newestAfter = async (after: number) => {
      head += 700;
      return after < head ? Math.min(after + eventsMax, head) : undefined;
    };
    const found = await findHead(0, newestAfter);
    expect(found).toBeGreaterThan(10_000);
    expect(found).toBeLessThanOrEqual(head);
  });
});
