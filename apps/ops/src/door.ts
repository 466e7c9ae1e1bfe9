import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** What came back through a door. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly key: string;
  readonly body?: object;
}

/**
 * A way to the HTTP API: that of a server that runs, or of one opened for a single command when none does. So a command
 * is written once, means the same either way, and leaves the same facts.
 */
export interface Door {
  call(request: Request): Promise<Answer>;
}

/** The API of an application in this process, without a port. */
export const doorInto = (api: NestFastifyApplication): Door => ({
  async call({ method, path, key, body }) {
    const headers = { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) };
    const {
      statusCode,
      payload,
      headers: answered,
    } = await api.inject({
      method,
      url: path,
      headers,
      ...(body && { payload: JSON.stringify(body) }),
    });
    const named = Object.entries(answered).map(([name, value]) => [name, String(value)]);
    return { status: statusCode, text: payload, headers: Object.fromEntries(named) };
  },
});

const answerMaxMs = 60_000;

/** The API of a server that runs on this machine. */
export const doorTo = (url: string): Door => ({
  async call({ method, path, key, body }) {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerMaxMs),
    });
    return { status: answer.status, text: await answer.text(), headers: Object.fromEntries(answer.headers) };
  },
});

/** The API said no; its problem in one line. */
export class Refused extends Error {
  constructor({ status, text }: Answer) {
    super(`${status} ${problemIn(text)}`);
  }
}

function problemIn(text: string): string {
  try {
    const { title, type, errors = [] } = JSON.parse(text);
    const places = errors.map(({ path, code }: { path: string; code: string }) => ` ${path}: ${code}`);
    return `${title} (${type})${places.join(',')}`;
  } catch {
    return text.slice(0, 200);
  }
}

/** Calls, and answers the parsed body. @throws Refused for any status but 2xx */
export async function ask<T = Record<string, unknown>>(door: Door, request: Request): Promise<T> {
  const answer = await door.call(request);
  if (answer.status < 200 || answer.status > 299) throw new Refused(answer);
  return (answer.text === '' ? {} : JSON.parse(answer.text)) as T;
}
