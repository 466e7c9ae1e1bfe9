import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

const services = join(import.meta.dirname, '../../infra/services');

/** Servers of a spec's own, to be broken. */
export class OwnServices {
  private constructor(
    private readonly folder: string,
    /** What they are reached by, as `infra/services` writes it. */
    readonly env: Readonly<Record<string, string>>,
  ) {}

  static async up(...names: string[]): Promise<OwnServices> {
    const folder = await mkdtemp(join(tmpdir(), 'services-'));
    await script('up', folder, ...names);
    return new OwnServices(folder, parseEnv(await readFile(join(folder, 'env'), 'utf8')) as Record<string, string>);
  }

  async kill(name: string): Promise<void> {
    await script('kill9', this.folder, name);
  }

  /** Kills it, and nothing of what it stored is left; it is started again on the same port. */
  async lose(name: string): Promise<void> {
    await this.kill(name);
    await rm(join(this.folder, name, 'data'), { recursive: true });
    await this.start(name);
  }

  /** Again, on the same port and data. */
  async start(name: string): Promise<void> {
    await script('start', this.folder, name);
  }

  /** Stops it where it is, or lets it go on: connections stay, answers do not come. */
  async freeze(name: string, isFrozen: boolean): Promise<void> {
    const pid = Number.parseInt(await readFile(join(this.folder, name, 'pid'), 'utf8'), 10);
    process.kill(pid, isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async down(): Promise<void> {
    await script('down', this.folder, '--wipe');
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function script(name: string, folder: string, ...args: string[]): Promise<void> {
  const child = spawn('bash', [join(services, name), '--dir', folder, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`services/${name} ended with ${code}`);
}
