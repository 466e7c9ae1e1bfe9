import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const restartMs = 1_000;
const flags = ['--enable-source-maps', '--disable-warning=TimeoutNegativeWarning'];
/** Where this runs compiled, what it starts lies beside it. */
const isBuild = import.meta.dirname.endsWith(join('dist', 'test', 'cluster'));
const root = join(import.meta.dirname, isBuild ? '../../apps' : '../../dist/apps');
const mains = {
  api: join(root, 'api/src/main.cluster.js'),
  worker: join(root, 'worker/src/main.cluster.js'),
};

/**
 * One of ours, that can die and be started again: an api or a worker. One that ends by itself is started again, as whatever
 * runs them would; `deaths` tells how often. What it writes goes into a file, life after life.
 */
export class Child {
  readonly url: string;
  deaths = 0;
  private child: ChildProcess | undefined;
  private said = '';

  constructor(
    readonly kind: keyof typeof mains,
    readonly name: string,
    private readonly port: number,
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Begins a life; `ready` waits until it can be used. */
  start(): void {
    if (this.child) return;
    const own = { HOST: '127.0.0.1', PORT: String(this.port), NODE_ID: this.name, KAFKAJS_NO_PARTITIONER_WARNING: '1' };
    const child = spawn(process.execPath, [...flags, mains[this.kind]], {
      cwd: this.folder,
      env: { ...process.env, ...this.env, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(join(this.folder, `${this.name}.log`), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('close', () => log.end());
    child.once('exit', () => {
      if (this.child === child) void this.startAgain();
    });
    this.child = child;
  }

  async isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(3_000) });
      this.said = await answer.text();
      return answer.status === 200;
    } catch {
      this.said = 'no answer';
      return false;
    }
  }

  /** @throws when it is not ready within `maxMs`: what it said last */
  async ready(maxMs: number): Promise<void> {
    const untilMs = performance.now() + maxMs;
    while (!(await this.isReady())) {
      if (performance.now() > untilMs) throw new Error(`${this.name} is not ready: ${this.said}`);
      await pause(100);
    }
  }

  /** Ends it for good, or until it is started. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  private async startAgain(): Promise<void> {
    this.deaths += 1;
    const dead = this.child;
    await pause(restartMs);
    // Somebody may have ended it, or started it, meanwhile.
    if (this.child !== dead) return;
    this.child = undefined;
    this.start();
  }
}
