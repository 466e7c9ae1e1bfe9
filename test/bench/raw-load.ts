import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type autocannon from 'autocannon';
import type { Answered, Job } from './raw-client.js';
import { dist } from './server.js';

export interface RawLoad {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly requests: readonly autocannon.Request[];
  /** Requests a second; as many as can be where it is not said. */
  readonly rate?: number;
}

/** Sends requests from a process of its own. @throws when any answer was not 200: a figure of refusals is worth nothing */
export async function rawLoad({ url, requests, ...how }: RawLoad): Promise<Answered> {
  const { hostname: host, port } = new URL(url);
  const client = fork(join(dist, 'test/bench/raw-client.js'), { serialization: 'advanced' });
  const told = once(client, 'message');
  const gone = once(client, 'exit').then(() => {
    throw new Error('the client ended without a figure');
  });
  const job: Job = { ...how, host, port: Number(port), requests: requests.map((each) => bytesOf(each, host)) };
  client.send(job);
  const [answered] = (await Promise.race([told, gone])) as [Answered];
  gone.catch(() => undefined);
  if (answered.failed > 0) throw new Error(`${answered.failed} requests failed`);
  return answered;
}

function bytesOf({ method, path, headers, body = '' }: autocannon.Request, host: string): Buffer {
  const payload = Buffer.from(body as string);
  const lines = Object.entries({ host, ...headers, 'content-length': payload.length }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`), payload]);
}
