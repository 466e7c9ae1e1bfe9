import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What becomes of a request: turned away, cut off before it is done, or done and its answer lost. */
export type Trouble = 'ThrottlingException' | 'cut before' | 'cut after';

/** Stands before a KMS, knows what it is asked for, and makes trouble with some of it. */
export class KmsLink {
  /** Names of the operations asked for, in order. */
  readonly asked: string[] = [];
  private readonly troubles = new Map<string, { readonly trouble: Trouble; left: number }>();

  private constructor(
    private readonly server: Server,
    private readonly endpoint: string,
  ) {
    server.on('request', (asked: IncomingMessage, answer: ServerResponse) => {
      void this.pass(asked, answer).catch(() => answer.destroy());
    });
  }

  static async to(endpoint: string): Promise<KmsLink> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new KmsLink(server, endpoint);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next `count` requests for this operation, by default all, get into it. */
  trouble(operation: string, trouble: Trouble, count = Number.POSITIVE_INFINITY): void {
    this.troubles.set(operation, { trouble, left: count });
  }

  calm(): void {
    this.troubles.clear();
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await text(asked);
    const operation = String(asked.headers['x-amz-target']).split('.').at(-1) ?? '';
    this.asked.push(operation);
    const found = this.troubles.get(operation);
    const trouble = found && found.left-- > 0 ? found.trouble : undefined;
    if (trouble === 'cut before') return void answer.destroy();
    if (trouble === 'ThrottlingException') {
      answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
      return void answer.end(JSON.stringify({ __type: trouble, message: 'Rate exceeded' }));
    }
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${operation}` };
    const authorization = `${asked.headers.authorization}`;
    const told = await fetch(this.endpoint, { method: 'POST', body, headers: { ...headers, authorization } });
    const content = await told.text();
    if (trouble === 'cut after') return void answer.destroy();
    answer.writeHead(told.status, { 'content-type': 'application/x-amz-json-1.1' }).end(content);
  }
}
