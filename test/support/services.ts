import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

const infra = join(import.meta.dirname, '../../infra');

/** Servers of one test's own, for what others must not notice: that they are stopped, killed or looked into. */
export class Services {
  /** @param folder everything of theirs lies there: data, logs, ports */
  constructor(readonly folder: string) {}

  private run(command: 'up' | 'down' | 'kill9' | 'start', ...words: string[]): void {
    const args = [join(infra, 'services', command), '--dir', this.folder, ...words];
    execFileSync('bash', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** Starts them, on the data that they left, with the key above all keys. From then on this spec knows no others. */
  up(...names: string[]): void {
    this.run('up', ...names);
    Object.assign(process.env, parseEnv(readFileSync(join(this.folder, 'env'), 'utf8')));
    if (names.includes('kms')) execFileSync(process.execPath, [join(infra, 'root-key.mjs')], { env: process.env });
  }

  /** Ends all of them as they would be, and leaves what they stored. */
  down(): void {
    this.run('down');
  }

  /** And nothing is left. */
  wipe(): void {
    this.run('down', '--wipe');
  }
}
