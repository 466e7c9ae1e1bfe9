import { randomUUID } from 'node:crypto';

const timeoutMs = 20_000;

/** Anything of the contract's HTTP. */
export class Client {
  constructor(url) {
    this.url = url;
  }

  /**
   * Sends one request and answers `{ status, headers, text, body }`. A Buffer goes as bytes, anything else as JSON, and a
   * POST carries a key of its own, so that it may be repeated. Throws when the status is none of `statuses`.
   */
  async call(statuses, method, path, { key, body, headers = {} } = {}) {
    const isBytes = Buffer.isBuffer(body);
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(key && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
        ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
        ...headers,
      },
      body: body === undefined || isBytes ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const { status } = response;
    if (![statuses].flat().includes(status)) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    return { status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }
}

/** Does `work` for each item, `lanes` at a time, and answers what came of it, in order. */
export async function inLanes(items, lanes, work) {
  const results = new Array(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
