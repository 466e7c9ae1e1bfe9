import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createHistogram } from 'node:perf_hooks';

export interface RoundTrips {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One call after the other for so long, and how long each took. */
export async function timeCalls(seconds: number, call: (n: number) => Promise<unknown>): Promise<RoundTrips> {
  const took = createHistogram();
  const until = performance.now() + seconds * 1_000;
  for (let n = 0; performance.now() < until; n++) {
    const begun = process.hrtime.bigint();
    await call(n);
    took.record(process.hrtime.bigint() - begun);
  }
  const ms = (ns: number) => Number((ns / 1e6).toPrecision(3));
  return { p50Ms: ms(took.percentile(50)), p99Ms: ms(took.percentile(99)) };
}

export interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: object;
  readonly body?: string | Buffer;
}

/** Sends over one connection that is kept. @throws when an answer is not 2xx */
export function senderTo(url: string): (call: Call) => Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return async ({ method = 'GET', path = '/', headers = {}, body }) => {
    const asked = request(url + path, { method, agent, headers: { ...headers } }).end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    if ((answer.statusCode ?? 500) > 299) throw new Error(`${method} ${path.split('?')[0]}: ${answer.statusCode}`);
  };
}
