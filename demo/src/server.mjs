import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const main = join(import.meta.dirname, '../../dist/apps/api/src/main.embedded.js');

/** SIGTERM ends a server within 5 s; one that has not ended by then is ended. */
const endMs = 7_000;

/**
 * Starts the built server as a process of its own, on a free port of the loopback address, with its data in `folder`.
 *
 * Answers `{ url, adminKey, end }` once it listens. It does not outlive this process, however that ends, short of SIGKILL.
 */
export async function startServer(folder) {
  if (!existsSync(main)) throw new Error('The server is not built: npm run build');
  const env = { ...process.env, DATA_FOLDER: folder, HOST: '127.0.0.1', PORT: '0' };
  const child = spawn(process.execPath, ['--enable-source-maps', main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const end = async () => {
    const timer = setTimeout(kill, endMs);
    child.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
    process.off('exit', kill);
  };

  // The lines go on being read after this, so that the server never waits for a reader.
  const url = await new Promise((resolve, reject) => {
    const printed = [];
    createInterface(child.stdout).on('line', (line) => {
      printed.push(line);
      const [, address] = /^(http:\S+)\/docs$/.exec(line) ?? [];
      if (address) resolve(address);
    });
    exited.then(([code]) => reject(new Error(`The server ended with ${code}: ${printed.join('\n')}`)), reject);
  });
  return { url, adminKey: (await readFile(join(folder, 'admin.key'), 'utf8')).trim(), end };
}
