import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

const throttled = JSON.stringify({ __type: 'ThrottlingException', message: 'Rate exceeded' });

/** Stands before a KMS and turns away a share of its callers, as AWS does when there are too many. */
export class ThrottlingProxy {
  /** From 0, nobody, to 1, everybody. */
  share = 0;
  turnedAway = 0;
  private readonly agent = new Agent({ keepAlive: true });

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
    private readonly random: () => number,
  ) {
    server.on('request', (asked: IncomingMessage, answer: ServerResponse) => this.take(asked, answer));
  }

  static async before(endpoint: string, random: () => number): Promise<ThrottlingProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ThrottlingProxy(server, new URL(endpoint), random);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.agent.destroy();
    this.server.close();
    this.server.closeAllConnections();
  }

  private take(asked: IncomingMessage, answer: ServerResponse): void {
    if (this.random() < this.share) {
      this.turnedAway += 1;
      asked.resume();
      answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' }).end(throttled);
      return;
    }
    const { method, url, headers } = asked;
    const { hostname, port } = this.target;
    const passed = request({ hostname, port, method, path: url, headers, agent: this.agent }, (told) => {
      answer.writeHead(told.statusCode ?? 502, told.headers);
      pipeline(told, answer).catch(() => answer.destroy());
    });
    // A server that is gone, or goes in the middle, looks from outside as if there were nothing in between.
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    pipeline(asked, passed).catch(() => answer.destroy());
  }
}
