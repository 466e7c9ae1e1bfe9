/** The part of autocannon that is used here; it brings no types of its own. */
declare module 'autocannon' {
  namespace autocannon {
    interface Request {
      readonly method: 'GET' | 'PUT' | 'POST';
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: Buffer | string;
      readonly setupRequest?: (request: Request) => Request;
    }
    interface Options {
      readonly url: string;
      readonly connections: number;
      readonly duration?: number;
      readonly amount?: number;
      readonly overallRate?: number;
      readonly requests: Request[];
    }
    interface Result {
      readonly duration: number;
      readonly non2xx: number;
      readonly errors: number;
      readonly timeouts: number;
      readonly '2xx': number;
      readonly statusCodeStats: object;
      readonly requests: { readonly total: number };
      readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
    }
  }
  function autocannon(options: autocannon.Options): Promise<autocannon.Result>;
  export default autocannon;
}
