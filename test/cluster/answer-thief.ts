import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands before a MongoDB and passes everything on; but of as many inserts as it is told it lets no answer through. */
export class AnswerThief {
  private left = 0;

  private constructor(
    private readonly server: Server,
    private readonly sockets: Set<Socket>,
  ) {}

  static async before(uri: string): Promise<AnswerThief> {
    const { hostname, port } = new URL(uri);
    const sockets = new Set<Socket>();
    const thief: AnswerThief = new AnswerThief(
      createServer((client) => thief.join(client, connect(Number(port), hostname))),
      sockets,
    );
    thief.server.listen(0, '127.0.0.1');
    await once(thief.server, 'listening');
    return thief;
  }

  get uri(): string {
    return `mongodb://127.0.0.1:${(this.server.address() as AddressInfo).port}/?directConnection=true`;
  }

  /** The next inserts are done, and their connections are cut instead of an answer. */
  steal(answers: number): void {
    this.left = answers;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private join(client: Socket, upstream: Socket): void {
    let isStolen = false;
    const end = () => {
      for (const socket of [client, upstream]) {
        socket.destroy();
        this.sockets.delete(socket);
      }
    };
    for (const socket of [client, upstream]) this.sockets.add(socket.on('error', end).on('close', end));
    client.on('data', (chunk: Buffer) => {
      isStolen ||= this.left > 0 && chunk.includes('insert\0');
      if (isStolen) this.left--;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (isStolen) end();
      else client.write(chunk);
    });
  }
}
