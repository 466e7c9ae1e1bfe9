import { connect, type Socket } from 'node:net';
import { quantile } from './quantile.js';

// A program of its own, which writes requests that are bytes already to sockets, and reads no more of an answer than its
// status and where it ends: it takes little of the machine, and what it does not do shows in nobody's tail.

/** What it is told, as its only message. */
export interface Job {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second, sent when they are due whatever is still unanswered; without it, each connection sends on. */
  readonly rate?: number | undefined;
  readonly requests: readonly Uint8Array[];
}

/** What it says at the end. */
export interface Answered {
  /** How many there were, be it before anything was counted. */
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How much later than due requests were sent, which is in no other figure. */
  readonly lateP99Ms: number;
  readonly failed: number;
}

const headEnd = Buffer.from('\r\n\r\n');
const warmUpMs = 500;

class Client {
  private readonly idle: Connection[] = [];
  private readonly queue: number[] = [];
  private readonly tookMs: number[] = [];
  private readonly lateMs: number[] = [];
  private next = 0;
  private failed = 0;
  private beganMs = 0;
  private endsMs = 0;

  constructor(private readonly job: Job) {}

  async run(): Promise<Answered> {
    const { job } = this;
    const opened = await Promise.all(Array.from({ length: job.connections }, () => Connection.open(job)));
    this.beganMs = performance.now() + warmUpMs;
    this.endsMs = this.beganMs + job.seconds * 1_000;
    for (const each of opened) each.whenFree = () => this.free(each);
    this.idle.push(...opened);
    if (job.rate) await this.pace(job.rate);
    else await Promise.all(opened.map((each) => this.sendOn(each)));
    // What is still on its way belongs to nobody's figures.
    for (const each of opened) each.end();
    const seconds = (performance.now() - this.beganMs) / 1_000;
    return {
      count: this.next,
      perSecond: this.tookMs.length / seconds,
      p50Ms: quantile(this.tookMs, 0.5),
      p99Ms: quantile(this.tookMs, 0.99),
      lateP99Ms: this.lateMs.length > 0 ? quantile(this.lateMs, 0.99) : 0,
      failed: this.failed,
    };
  }

  private async sendOn(connection: Connection): Promise<void> {
    while (performance.now() < this.endsMs) await this.send(connection, performance.now());
  }

  private async send(connection: Connection, sinceMs: number): Promise<void> {
    const request = this.job.requests[this.next++ % this.job.requests.length] as Uint8Array;
    const isWell = await connection.ask(request);
    if (!isWell) this.failed += 1;
    if (sinceMs >= this.beganMs) this.tookMs.push(performance.now() - sinceMs);
  }

  /** Sends at an even pace, however long answers take. */
  private async pace(rate: number): Promise<void> {
    const firstMs = performance.now();
    for (let sent = 0; ; ) {
      const nowMs = performance.now();
      if (nowMs >= this.endsMs) break;
      for (; firstMs + (sent * 1_000) / rate <= nowMs; sent++) {
        if (nowMs >= this.beganMs) this.lateMs.push(nowMs - firstMs - (sent * 1_000) / rate);
        const free = this.idle.pop();
        if (free) void this.send(free, nowMs);
        else this.queue.push(nowMs);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  private free(connection: Connection): void {
    if (!this.job.rate) return;
    const sinceMs = this.queue.shift();
    if (sinceMs === undefined) this.idle.push(connection);
    else void this.send(connection, sinceMs);
  }
}

/** One request at a time, and its answer. */
class Connection {
  whenFree = (): void => undefined;
  private held: Buffer = Buffer.alloc(0);
  private answer: (isWell: boolean) => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('close', () => this.answer(false));
    socket.on('error', () => undefined);
  }

  static open({ host, port }: Job): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host, () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  ask(request: Uint8Array): Promise<boolean> {
    return new Promise((resolve) => {
      this.answer = resolve;
      this.socket.write(request);
    });
  }

  end(): void {
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    this.held = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk;
    const bodyAt = this.held.indexOf(headEnd) + headEnd.length;
    if (bodyAt < headEnd.length) return;
    const head = this.held.toString('latin1', 0, bodyAt);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (this.held.length < bodyAt + length) return;
    this.held = Buffer.alloc(0);
    this.answer(head.startsWith('HTTP/1.1 200') && Number.isFinite(length));
    this.whenFree();
  }
}

process.once('message', (job: Job) => {
  void new Client(job).run().then((answered) => process.send?.(answered, () => process.disconnect()));
});
