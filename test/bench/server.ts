import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where what was built lies: from a spec, too. */
export const dist = join(import.meta.dirname, import.meta.dirname.includes('/dist/') ? '../..' : '../../dist');

/** What Linux counts processor time in. */
const tickMs = 10;

/** A server of its own process: ours, or the floor it is compared with. */
export class BenchServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    /** From the start of the process to its first address. */
    readonly readyMs: number,
  ) {}

  static ours(folder: string, env: NodeJS.ProcessEnv = {}): Promise<BenchServer> {
    return BenchServer.start('apps/api/src/main.embedded.js', { DATA_FOLDER: folder, ...env });
  }

  /** Of the cluster, over the names that `env` gives. */
  static api(folder: string, env: NodeJS.ProcessEnv): Promise<BenchServer> {
    return BenchServer.start('apps/api/src/main.cluster.js', { DATA_FOLDER: folder, ...env });
  }

  static worker(folder: string, env: NodeJS.ProcessEnv): Promise<BenchServer> {
    return BenchServer.start('apps/worker/src/main.cluster.js', { DATA_FOLDER: folder, ...env });
  }

  /** A bare fastify that reads the same bodies and answers a constant. */
  static floor(): Promise<BenchServer> {
    return BenchServer.start('test/bench/floor.js', {});
  }

  /** Ours, but that no decision is stored. */
  static unrecorded(folder: string): Promise<BenchServer> {
    return BenchServer.start('test/bench/unrecorded.js', { DATA_FOLDER: folder });
  }

  /** node:http alone, which decrypts, compares and overwrites. */
  static bareCompare(): Promise<BenchServer> {
    return BenchServer.start('test/bench/bare-compare.js', {});
  }

  /** node:http alone, which does nothing. */
  static noOp(): Promise<BenchServer> {
    return BenchServer.start('test/bench/no-op.js', {});
  }

  private static async start(main: string, env: NodeJS.ProcessEnv): Promise<BenchServer> {
    const begunMs = performance.now();
    const child = spawn(process.execPath, [join(dist, main)], {
      env: { ...process.env, PORT: '0', HOST: '127.0.0.1', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    for await (const chunk of child.stdout) {
      printed += chunk;
      const url = /^(http:\S+:\d+)/m.exec(printed)?.[1];
      if (url) return new BenchServer(child, url, performance.now() - begunMs);
    }
    throw new Error(`${main} did not start: ${printed}`);
  }

  /** Memory that is really there now. Linux only; 0 elsewhere. */
  residentMb(): number {
    if (process.platform !== 'linux') return 0;
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
  }

  /** What its process has used of the processors since it began. Linux only; 0 elsewhere. */
  cpuMs(): number {
    if (process.platform !== 'linux') return 0;
    // Its name, in brackets, may hold anything: what follows it is numbers.
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * tickMs;
  }

  async end(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}
