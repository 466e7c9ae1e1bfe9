import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { family } from './family.js';

/** Where what is built lies. */
export const dist = join(import.meta.dirname, '../../dist');

const files = { api: family.api.file, lethe: family.lethe };

/** One that never ends, as a server that should have refused to start, is not left running behind a failed test. */
const endsMaxMs = 180_000;

/** How a process ended, and all it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly printed: string;
  readonly complained: string;
}

/** Names the data, wherever they lie. */
export interface Settings extends NodeJS.ProcessEnv {
  readonly DATA_FOLDER: string;
}

/** Runs a built program to its end: the server, where it is to refuse to start, or the command line. */
export const run = (program: keyof typeof files, settings: Settings, ...args: string[]): Promise<Ended> =>
  runAs(undefined, program, settings, ...args);

/** As `run`, as another user of this machine, which root can. */
export async function runAs(
  uid: number | undefined,
  program: keyof typeof files,
  settings: Settings,
  ...args: string[]
): Promise<Ended> {
  const env = { ...process.env, ...(await family.environment(settings.DATA_FOLDER)), ...settings };
  const child = spawn(process.execPath, [...family.flags, join(dist, files[program]), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: endsMaxMs,
    killSignal: 'SIGKILL',
    ...(uid !== undefined && { uid }),
  });
  const [printed, complained, [code]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, 'close'),
  ]);
  return { code, printed, complained };
}
