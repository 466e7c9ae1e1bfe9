import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

const mains = {
  api: join(import.meta.dirname, '../../dist/apps/api/src/main.embedded.js'),
  lethe: join(import.meta.dirname, '../../dist/apps/ops/src/main.embedded.js'),
};

/** How a process ended, and all it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly printed: string;
  readonly complained: string;
}

/** Runs a built program to its end: the server, where it is to refuse to start, or the command line. */
export const run = (program: keyof typeof mains, env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> =>
  runAs(undefined, program, env, ...args);

/** As `run`, as another user of this machine, which root can. */
export async function runAs(
  uid: number | undefined,
  program: keyof typeof mains,
  env: NodeJS.ProcessEnv,
  ...args: string[]
): Promise<Ended> {
  const child = spawn(process.execPath, [mains[program], ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid }),
  });
  const [printed, complained, [code]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, 'close'),
  ]);
  return { code, printed, complained };
}
