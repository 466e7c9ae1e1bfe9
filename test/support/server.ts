import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../dist/apps/api/src/main.embedded.js');

/** The built server as a process of its own, on a port that was free. */
export class Server {
  private constructor(
    readonly process: ChildProcess,
    readonly folder: string,
    readonly url: string,
    readonly printed: string,
  ) {}

  static async start(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Server> {
    const child = Server.spawn(folder, env);
    let printed = '';
    let complaint = '';
    child.stderr?.on('data', (chunk) => {
      complaint += chunk;
    });
    for await (const chunk of child.stdout ?? []) {
      printed += chunk;
      const url = /^(http:\S+)\/docs$/m.exec(printed)?.[1];
      if (url) return new Server(child, folder, url, printed);
    }
    throw new Error(`did not start: ${printed}${complaint}`);
  }

  static spawn(folder: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
    const settings = { ...process.env, DATA_FOLDER: folder, PORT: '0', ...env };
    return spawn(process.execPath, [main], { env: settings, stdio: ['ignore', 'pipe', 'pipe'] });
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
    const headers = { authorization: `Bearer ${key}`, ...(body && { 'content-type': type }), ...more };
    const sent = body && { body: isBytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) };
    const answer = await fetch(`${this.url}${path}`, { method, headers, ...sent });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
    return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }
}
