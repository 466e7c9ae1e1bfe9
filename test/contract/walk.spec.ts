import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { family } from '../support/family.js';
import { Server } from '../support/server.js';

const walk = join(import.meta.dirname, 'walk.mjs');

describe('the contract', () => {
  let folder: string;
  let server: Server;
  beforeAll(async () => {
    folder = join(mkdtempSync(join(tmpdir(), 'lethe-walk-')), 'data');
    server = await Server.start(folder);
  });
  afterAll(async () => {
    await server?.end('SIGTERM');
    await family.remove(folder);
  });

  it('is kept from the first step to the last', async () => {
    const walking = spawn(process.execPath, [walk, server.url, server.adminKey], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [printed] = await Promise.all([text(walking.stdout as Readable), once(walking, 'exit')]);
    const lines = printed.trim().split('\n');
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([`${lines.length - 1} passed, 0 failed`]);
    expect(lines.length).toBeGreaterThan(20);
  });
});
