import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseEnv } from 'node:util';
import { infra } from './infra.js';

/** A machine that is busy with other things takes its time. */
const patient = { SERVICE_READY_S: '180' };

/** Servers of one test's own, in a folder that nobody else uses: whatever is done to them, no other test notices. */
export class OwnServices {
  constructor(
    readonly folder: string,
    /** What they are reached by, as `infra/services` writes it. */
    readonly env: Readonly<Record<string, string>>,
  ) {}

  static async up(...names: string[]): Promise<OwnServices> {
    return OwnServices.in(await mkdtemp(join(tmpdir(), 'services-')), ...names);
  }

  /** In this folder, on what they left there. @throws when one does not start; then none is left running */
  static async in<T extends OwnServices>(
    this: new (
      folder: string,
      env: Readonly<Record<string, string>>,
    ) => T,
    folder: string,
    ...names: string[]
  ): Promise<T> {
    try {
      await script('up', folder, ...names);
    } catch (error) {
      await script('down', folder, '--wipe');
      throw error;
    }
    return new this(folder, parseEnv(await readFile(join(folder, 'env'), 'utf8')) as Record<string, string>);
  }

  /** SIGKILL. */
  kill(...names: string[]): Promise<void> {
    return script('kill9', this.folder, ...names);
  }

  /** Again, on the same port and data. */
  start(...names: string[]): Promise<void> {
    return script('start', this.folder, ...names);
  }

  /** Kills it, and nothing of what it stored is left; it is started again on the same port. */
  async lose(name: string): Promise<void> {
    await this.kill(name);
    await this.wipe(name);
    await this.start(name);
  }

  /** Nothing of what it stored is left; to be done while it is down. */
  wipe(name: string): Promise<void> {
    return rm(join(this.folder, name, 'data'), { recursive: true });
  }

  /** Stops it where it is, or lets it go on: connections stay, answers do not come. */
  async freeze(name: string, isFrozen: boolean): Promise<void> {
    const pid = Number.parseInt(await readFile(join(this.folder, name, 'pid'), 'utf8'), 10);
    process.kill(pid, isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Ends all of them as they would be, and leaves what they stored. */
  stop(): Promise<void> {
    return script('down', this.folder);
  }

  /** Ends all of them, and nothing is left. */
  async down(): Promise<void> {
    await script('down', this.folder, '--wipe');
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function script(name: string, folder: string, ...args: string[]): Promise<void> {
  const child = spawn('bash', [join(infra, 'services', name), '--dir', folder, ...args], {
    env: { ...process.env, ...patient },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [complained, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`services/${name} ended with ${code}: ${complained}`);
}
