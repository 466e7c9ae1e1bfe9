import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const readyMaxMs = 90_000;
const flags = ['--enable-source-maps', '--disable-warning=TimeoutNegativeWarning'];
/** Where this runs compiled, what it starts lies beside it. */
const isBuild = import.meta.dirname.endsWith(join('dist', 'test', 'cluster'));
const root = join(import.meta.dirname, isBuild ? '../../apps' : '../../dist/apps');
const mains = {
  api: join(root, 'api/src/main.cluster.js'),
  worker: join(root, 'worker/src/main.cluster.js'),
};

/** A port that nobody listens on, for a process that keeps it through its deaths. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** One of ours, that can die and be started again: an api or a worker. What it writes goes into a file, death after death. */
export class Child {
  readonly url: string;
  private child: ChildProcess | undefined;

  constructor(
    readonly kind: keyof typeof mains,
    readonly name: string,
    private readonly port: number,
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Resolves once the process is there; `isReady` says when it can be used. */
  start(): void {
    if (this.isAlive) return;
    const own = { HOST: '127.0.0.1', PORT: String(this.port), NODE_ID: this.name, KAFKAJS_NO_PARTITIONER_WARNING: '1' };
    const settings = { ...process.env, ...this.env, ...own };
    const child = spawn(process.execPath, [...flags, mains[this.kind]], {
      cwd: this.folder,
      env: settings,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(join(this.folder, `${this.name}.log`), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('close', () => log.end());
    this.child = child;
  }

  get isAlive(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** How it died by itself, if it did. */
  get death(): string | undefined {
    return this.child && !this.isAlive ? `${this.name} ended by itself: ${this.child.exitCode}` : undefined;
  }

  async isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(3_000) });
      await answer.body?.cancel();
      return answer.status === 200;
    } catch {
      return false;
    }
  }

  /** @throws when it is not ready in a minute and a half, or died */
  async ready(): Promise<void> {
    const untilMs = performance.now() + readyMaxMs;
    while (!(await this.isReady())) {
      if (this.death) throw new Error(this.death);
      if (performance.now() > untilMs) throw new Error(`${this.name} is not ready`);
      await pause(100);
    }
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { child } = this;
    if (!child || !this.isAlive) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    this.child = undefined;
  }
}
