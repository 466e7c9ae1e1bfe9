import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What is started: the built server. */
export const main = join(import.meta.dirname, '../../dist/apps/api/src/main.embedded.js');

/** What a process writes, kept as it comes. */
class Output {
  printed = '';
  complained = '';

  constructor(child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.complained += text;
    });
  }
}

/** The built server as a process of its own, on a port that was free. */
export class Server {
  private readonly agent = new Agent({ keepAlive: true });

  private constructor(
    readonly process: ChildProcess,
    readonly folder: string,
    readonly url: string,
    private readonly output: Output,
  ) {}

  static async start(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Server> {
    return Server.of(Server.spawn(folder, env), folder);
  }

  static spawn(folder: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
    const settings = { ...process.env, DATA_FOLDER: folder, PORT: '0', ...env };
    return spawn(process.execPath, [main], { env: settings, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** One that was started in a way of its own, once it listens. */
  static async of(child: ChildProcess, folder: string): Promise<Server> {
    const output = new Output(child);
    const ended = once(child, 'close').then(() => false);
    while (await Promise.race([once(child.stdout ?? child, 'data').then(() => true), ended])) {
      const url = /^(http:\S+)\/docs$/m.exec(output.printed)?.[1];
      if (url) return new Server(child, folder, url, output);
    }
    throw new Error(`did not start: ${output.printed}${output.complained}`);
  }

  /** What it has printed so far. */
  get printed(): string {
    return this.output.printed;
  }

  /** What it has written to its log so far. */
  get complained(): string {
    return this.output.complained;
  }

  get adminKey(): string {
    return readFileSync(join(this.folder, 'admin.key'), 'utf8').trim();
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    await ended;
  }

  async send(method: string, path: string, key: string, body?: object, more: Record<string, string> = {}) {
    const isBytes = body instanceof Uint8Array;
    const type = isBytes ? 'application/octet-stream' : 'application/json';
    const sent = isBytes ? body : Buffer.from(body ? JSON.stringify(body) : '');
    const headers = {
      authorization: `Bearer ${key}`,
      ...(body && { 'content-type': type, 'content-length': String(sent.byteLength) }),
      ...more,
    };
    const asked = request(`${this.url}${path}`, { method, headers, agent: this.agent }).end(sent);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const answered = await text(answer);
    const isJson = answer.headers['content-type']?.includes('json') ?? false;
    const { statusCode: status = 0, headers: told } = answer;
    return { status, headers: told, text: answered, body: isJson ? JSON.parse(answered) : undefined };
  }
}
