import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { family } from './support/family.js';
import { Server } from './support/server.js';

const root = join(import.meta.dirname, '..');

/** The commands of the README's tour, as a reader would copy them. */
function tour(): string {
  const [, block = ''] = /```sh\n(.*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  return block.replace(/^npm run --silent lethe --/m, `node dist/${family.lethe}`);
}

/** What the tour says is answered: the part before the first ellipsis, ids and times as any. */
const promised = () =>
  [...tour().matchAll(/^# (.*)$/gm)].map(
    ([, line = '']) => new Set([...line.matchAll(/"(\w+)":"([a-z-]+)"/g)].map(([pair]) => pair)),
  );

describe('the tour of the README', () => {
  let folder: string;
  let server: Server;
  beforeAll(async () => {
    folder = join(mkdtempSync(join(tmpdir(), 'lethe-tour-')), 'data');
    server = await Server.start(folder);
  });
  afterAll(async () => {
    await server?.end('SIGTERM');
    await family.remove(folder);
  });

  it('is what happens', async () => {
    const places = await family.environment(folder);
    const env = { ...process.env, ...places, LETHE_URL: server.url, DATA_FOLDER: folder };
    // The reader is slower than the erasure; a script must wait for it.
    const script = tour().replace('call backend GET', 'sleep 2; call backend GET');
    const shell = spawn('bash', ['-ec', script], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed, [code]] = await Promise.all([text(shell.stdout as Readable), once(shell, 'exit')]);
    expect(code).toBe(0);
    const answers = printed.split('\n').filter((line) => line.startsWith('{"'));
    for (const pairs of promised()) {
      expect(pairs.size).toBeGreaterThan(0);
      expect(answers.some((answer) => [...pairs].every((pair) => answer.includes(pair)))).toBe(true);
    }
  }, 60_000);
});
