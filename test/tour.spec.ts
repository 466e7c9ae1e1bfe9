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

const tours = ['README.md', 'docs/guides/identify.md'];

/** The commands of a tour, as a reader would copy them: the first there are. */
function tour(file: string): string {
  const [, block = ''] = /```sh\n(.*?)```/s.exec(readFileSync(join(root, file), 'utf8')) ?? [];
  return block.replace(/^npm run --silent lethe --/m, `node dist/${family.lethe}`);
}

/** What the tour says is answered: the part before the first ellipsis, ids and times as any. */
const promised = (file: string) =>
  [...tour(file).matchAll(/^# (.*)$/gm)].map(
    ([, line = '']) => new Set([...line.matchAll(/"\w+":(?:"[a-z:.-]+"|\[\]|\d+)/g)].map(([pair]) => pair)),
  );

describe.each(tours)('the tour of %s', (file) => {
  let folder: string;
  let server: Server;
  beforeAll(async () => {
    folder = join(mkdtempSync(join(tmpdir(), 'lethe-tour-')), 'data');
    server = await Server.start(folder, { GALLERY_MEMORY_MB: '100' });
  });
  afterAll(async () => {
    await server?.end('SIGTERM');
    await family.remove(folder);
  });

  it('is what happens', async () => {
    const places = await family.environment(folder);
    const env = { ...process.env, ...places, LETHE_URL: server.url, DATA_FOLDER: folder };
    // The reader is slower than the erasure; a script must wait for it.
    const script = tour(file).replace('call backend GET', 'sleep 2; call backend GET');
    const shell = spawn('bash', ['-ec', script], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed, [code]] = await Promise.all([text(shell.stdout as Readable), once(shell, 'exit')]);
    expect(code).toBe(0);
    const answers = printed.split('\n').filter((line) => line.startsWith('{"'));
    let next = 0;
    for (const pairs of promised(file)) {
      expect(pairs.size).toBeGreaterThan(0);
      const found = answers.findIndex((answer, at) => at >= next && [...pairs].every((pair) => answer.includes(pair)));
      expect(found).toBeGreaterThanOrEqual(next);
      next = found + 1;
    }
  }, 60_000);
});
