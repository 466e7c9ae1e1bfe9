import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { family } from './family.js';
import type { Program } from './family-of-adapters.js';
import { dist } from './process.js';

const startMaxMs = 55_000;

/** A process, and what it writes, kept as it comes. */
export class Running {
  printed = '';
  complained = '';

  constructor(readonly process: ChildProcess) {
    process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text;
    });
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.complained += text;
    });
  }

  static start({ file }: Program, env: NodeJS.ProcessEnv): Running {
    return new Running(
      spawn(process.execPath, [...family.flags, join(dist, file)], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  /** What it says of itself, once it does. @throws when it ends before, with all it wrote */
  async says(what: RegExp): Promise<RegExpExecArray> {
    const { process } = this;
    const ended = once(process, 'close').then(() => false);
    do {
      const said = what.exec(this.printed);
      if (said) return said;
    } while (await Promise.race([once(process.stdout ?? process, 'data').then(() => true), ended]));
    throw new Error(`did not start: ${this.printed}${this.complained}`);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    await ended;
  }
}

/** The built server as processes of its own, on ports that were free: one that answers, and what stands beside it. */
export class Server {
  private readonly agent = new Agent({ keepAlive: true });

  private constructor(
    readonly folder: string,
    readonly url: string,
    private readonly api: Running,
    private readonly beside: readonly Running[] = [],
    /** Of the process that does what happens without being asked. */
    private readonly workerUrl = url,
  ) {}

  static async start(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Server> {
    const settings = { ...process.env, ...(await family.environment(folder)), DATA_FOLDER: folder, PORT: '0', ...env };
    const api = Running.start(family.api, settings);
    const beside = family.beside.map((program) => Running.start(program, { ...settings, PORT: '0' }));
    const late = setTimeout(() => {
      // Whoever waits for it gives up about now, and would leave it behind.
      for (const running of [api, ...beside]) void running.end('SIGKILL');
    }, startMaxMs);
    try {
      const ready = beside.map((running, n) => running.says(family.beside[n]?.ready ?? /$/));
      const [[, url = ''], ...others] = await Promise.all([api.says(family.api.ready), ...ready]);
      return new Server(folder, url, api, beside, others.at(-1)?.[1]);
    } catch (error) {
      for (const running of [api, ...beside]) await running.end('SIGKILL');
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  /** One of a single process that was started in a way of its own, once it listens. */
  static async of(child: ChildProcess, folder: string): Promise<Server> {
    const api = new Running(child);
    const [, url = ''] = await api.says(family.api.ready);
    return new Server(folder, url, api);
  }

  private get all(): readonly Running[] {
    return [this.api, ...this.beside];
  }

  get pid(): number {
    return this.api.process.pid ?? 0;
  }

  /** Of every process that is part of it. */
  get pids(): readonly number[] {
    return this.all.flatMap(({ process: { pid } }) => pid ?? []);
  }

  /** What its processes have printed so far. */
  get printed(): string {
    return this.all.map(({ printed }) => printed).join('');
  }

  /** What they have written to their logs so far. */
  get complained(): string {
    return this.all.map(({ complained }) => complained).join('');
  }

  get adminKey(): string {
    return readFileSync(join(this.folder, 'admin.key'), 'utf8').trim();
  }

  /** What the process says of itself that sweeps and erases, as Prometheus asks for it. */
  async figures(): Promise<string> {
    return (await fetch(`${this.workerUrl}/metrics`)).text();
  }

  /** Ends all of it at once. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await Promise.all(this.all.map((running) => running.end(signal)));
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
