import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/process.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';

/** Of this family only: all there is lies in a folder, and one process holds it. */
describe('the server process of a folder', () => {
  let folder: string;
  let server: Server;

  beforeEach(async () => {
    folder = join(mkdtempSync(join(tmpdir(), 'lethe-')), 'data');
    server = await Server.start(folder);
  });
  afterEach(async () => {
    await server.end('SIGKILL');
    rmSync(join(folder, '..'), { recursive: true });
  });

  it('shows the admin key once, at its first start', async () => {
    const { adminKey } = server;
    expect(server.printed).toContain(adminKey);
    await server.end('SIGTERM');
    server = await Server.start(folder);
    expect(server.printed).not.toContain('lethe_');
  });

  it('tells its log what fails while it serves', async () => {
    const site = await Site.open(server);
    const headers = { 'lethe-position': '9999' };
    const path = '/v1/consents?subjectId=6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02';
    const { status } = await site.call({ method: 'GET', path, as: 'registrar', headers });
    expect([status, server.printed.includes('WARN')]).toEqual([503, false]);
    expect(server.complained).toMatch(/WARN \[ProblemFilter\] Lagging/);
  });

  it('keeps all it stores to itself', async () => {
    await Site.open(server);
    const modes = ['', 'admin.key', 'root.key', 'keys.sealed', 'events.db', 'events.db-wal', 'keys.db', 'views.db'].map(
      (file) => (statSync(join(folder, file)).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(['700', ...Array(7).fill('600')]);
  });

  it('is alone: a second one on the same folder says so and ends', async () => {
    const { code, complained } = await run('api', { DATA_FOLDER: folder, PORT: '0' });
    expect(complained).toContain('in use by another process');
    expect(code).toBe(1);
  });
});
