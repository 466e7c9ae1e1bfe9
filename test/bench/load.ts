import autocannon from 'autocannon';

export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds?: number;
  /** How many requests in all, where it is not a matter of time; each is then sent once by one of the connections. */
  readonly amount?: number;
  /** Sent in turn, over and over. */
  readonly requests: readonly autocannon.Request[];
  /** Requests a second in all; as many as can be where it is not said. */
  readonly rate?: number;
}

export interface Loaded {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly count: number;
}

/** Sends requests in a closed loop. @throws when any answer was not 2xx: a figure of refusals is worth nothing */
export async function load({ url, connections, seconds, amount, requests, rate }: Load): Promise<Loaded> {
  const result = await autocannon({
    url,
    connections,
    ...(seconds && { duration: seconds }),
    ...(amount && { amount }),
    ...requestsFor(requests, amount),
    ...(rate && { overallRate: rate }),
  });
  const failed = result.non2xx + result.errors + result.timeouts;
  if (failed > 0)
    throw new Error(`${failed} of ${result.requests.total} requests failed: ${JSON.stringify(result.statusCodeStats)}`);
  const { p50, p99 } = result.latency;
  return { perSecond: result['2xx'] / result.duration, p50Ms: p50, p99Ms: p99, count: result['2xx'] };
}

/** Every connection goes through the same list; where each request is to be sent once, they share one. */
function requestsFor(requests: readonly autocannon.Request[], amount: number | undefined) {
  if (!amount) return { requests: [...requests] };
  let next = 0;
  const shared: autocannon.Request = {
    method: 'GET',
    path: '/',
    headers: {},
    setupRequest: () => requests[next++ % requests.length] as autocannon.Request,
  };
  return { requests: [shared] };
}
