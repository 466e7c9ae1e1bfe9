import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A request that is kept back. */
interface Hold {
  readonly text: Buffer;
  readonly meet: () => void;
  readonly released: Promise<void>;
}

/**
 * A link to a server that loses, when told to, the answer to a request (it was done, and who asked cannot know), or keeps a
 * request back while others overtake it.
 */
export class LossyLink {
  private losses = 0;
  private needle = Buffer.of();
  private hold: Hold | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(port: number): Promise<LossyLink> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const link = new LossyLink(server, (server.address() as AddressInfo).port);
    server.on('connection', (near) => link.join(near, connect(port, '127.0.0.1')));
    return link;
  }

  /** Of the next `count` requests whose bytes hold `text` the answer never arrives: both ends are closed instead. */
  lose(text: string, count = 1): void {
    this.needle = Buffer.from(text);
    this.losses = count;
  }

  /** The next request whose bytes hold `text` waits, once it is `met`, until `release`. */
  keep(text: string): { readonly met: Promise<void>; readonly release: () => void } {
    const [met, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.hold = { text: Buffer.from(text), meet: met.resolve, released: released.promise };
    return { met: met.promise, release: released.resolve };
  }

  /** How many answers are still to be lost. */
  get left(): number {
    return this.losses;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(near: Socket, far: Socket): void {
    let isLost = false;
    const end = () => {
      for (const socket of [near, far]) this.sockets.delete(socket.destroy());
    };
    for (const socket of [near, far]) {
      this.sockets.add(socket.setNoDelay());
      socket.on('error', end).on('close', end);
    }
    near.on('data', (bytes: Buffer) => {
      if (this.hold && bytes.includes(this.hold.text)) {
        const { meet, released } = this.hold;
        this.hold = undefined;
        near.pause();
        void released.then(() => {
          far.write(bytes);
          near.resume();
        });
        meet();
        return;
      }
      if (this.losses > 0 && bytes.includes(this.needle)) {
        this.losses--;
        isLost = true;
      }
      far.write(bytes);
    });
    far.on('data', (bytes: Buffer) => (isLost ? end() : near.write(bytes)));
  }
}
