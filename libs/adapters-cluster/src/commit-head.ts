import { eventsMax } from './commit-document.js';

/** The end of the last commit that begins in `(after, after + eventsMax]`, if one does. */
export type NewestAfter = (after: number) => Promise<number | undefined>;

/**
 * The end of a log in which something ends at `from`: one look where nothing new is there, else about twice the binary logarithm of what is.
 *
 * No look is a search for the greatest of an open range, which some servers read whole. They rest on what a log without
 * gaps and with commits of at most `eventsMax` events is like: a window with no commit beginning in it lies past the
 * head, or less than a window before it; and one whose last commit ends inside holds the head.
 */
export async function findHead(from: number, newestAfter: NewestAfter): Promise<number> {
  let head = from;
  let beyond = Number.POSITIVE_INFINITY;
  let stride = 0;
  for (;;) {
    const at = nextLook(head, beyond, stride);
    const end = await newestAfter(at);
    if (end === undefined) {
      if (at === head) return head;
      beyond = at;
    } else {
      head = end;
      if (end < at + eventsMax) return head;
      stride = Math.max(stride * 2, eventsMax);
    }
  }
}

/** At the head that is known, then further and further beyond it, then halfway to where nothing was, then at it again. */
function nextLook(head: number, beyond: number, stride: number): number {
  if (beyond === Number.POSITIVE_INFINITY) return head + stride;
  return beyond - head > eventsMax ? Math.floor((head + beyond) / 2) : head;
}
