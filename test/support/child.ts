import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** With these Node runs our sources as they are. */
export const asSources = [
  '--import',
  join(import.meta.dirname, 'sources.mjs'),
  '--conditions=source',
  '--experimental-transform-types',
  '--disable-warning=ExperimentalWarning',
];

/** A program that runs in a process of its own, and what it told its parent by `process.send`. */
export interface Child {
  readonly process: ChildProcess;
  readonly told: readonly string[];
}

/**
 * Runs a module, given as text, that imports our sources by their paths from the root of the repository, as far as these
 * have no decorators. Answers once it sent its first message.
 */
export async function childOf(program: string): Promise<Child> {
  const child = spawn(process.execPath, [...asSources, '--input-type=module', '--eval', program], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const told: string[] = [];
  child.on('message', (message: string) => told.push(message));
  const failed = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`a program ended with ${code ?? signal}`);
  });
  failed.catch(() => undefined);
  await Promise.race([once(child, 'message'), failed]);
  return { process: child, told };
}

/** Ends it as a crash would. */
export async function kill({ process: child }: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
