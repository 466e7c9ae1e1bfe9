import type request from 'supertest';

/** What answers of a comparison, of a search or of a refusal say, as far as anybody looks. */
interface Body {
  readonly type?: string;
  readonly reason?: string;
  readonly decision?: string;
  readonly candidates?: readonly { readonly subjectId: string }[];
}

/** An answer, with where among all that happened its request began. */
export interface Seen {
  readonly beganAt: number;
  readonly status: number;
  readonly body: Body;
}

/** `total` requests, `lanes` of them at a time, and an act that is sent with number `after`. Told by one count of what happened. */
export async function amidst(
  { total, lanes, after }: { readonly total: number; readonly lanes: number; readonly after: number },
  ask: () => PromiseLike<request.Response>,
  act: () => PromiseLike<request.Response>,
) {
  let ticks = 0;
  let begun = 0;
  let actedAt = Number.POSITIVE_INFINITY;
  let acted: request.Response | undefined;
  const seen: Seen[] = [];
  const doAct = async () => {
    acted = await act();
    actedAt = ++ticks;
  };
  let acting = Promise.resolve();
  const lane = async () => {
    while (begun < total) {
      if (++begun === after) acting = doAct();
      const beganAt = ++ticks;
      const { status, body } = await ask();
      seen.push({ beganAt, status, body });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  await acting;
  return { acted, seen, later: seen.filter(({ beganAt }) => beganAt > actedAt) };
}
