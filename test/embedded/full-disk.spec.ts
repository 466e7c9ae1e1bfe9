import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Call } from '../support/calls.js';
import { family } from '../support/family.js';
import { dist, run } from '../support/process.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';
import { faceOf } from '../support/templates.js';

const main = join(dist, family.api.file);
const parent = mkdtempSync(join(tmpdir(), 'lethe-full-'));
const disk = join(parent, 'disk');
mkdirSync(disk);
const mount = `mount -t tmpfs -o size=8m,mode=700 lethe ${disk}`;
/** A small disk of its own for one process and its mount namespace, which takes no rights (Linux). */
const apart = (command: string) => ['--user', '--map-root-user', '--mount', 'sh', '-c', `${mount} && ${command}`];
const hasSmallDisk = spawnSync('unshare', apart('true')).status === 0;
const onFullDisk = hasSmallDisk
  ? 'refuses for now what it cannot store, loses nothing, and goes on by itself when there is room'
  : 'is not tried: this system makes no small disk';

/** Takes all the room there is. */
function fill(file: string): void {
  const opened = openSync(file, 'w');
  try {
    for (const size of [65_536, 4_096, 1]) while (isWritten(opened, size));
  } finally {
    closeSync(opened);
  }
}

function isWritten(opened: number, size: number): boolean {
  try {
    return writeSync(opened, Buffer.alloc(size)) === size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

describe('a server on a full disk', () => {
  let child: ChildProcess | undefined;
  afterAll(() => {
    child?.kill('SIGKILL');
    rmSync(parent, { recursive: true });
  });

  it(`${onFullDisk}`, async () => {
    expect(hasSmallDisk || process.platform !== 'linux' || process.getuid?.() !== 0).toBe(true);
    if (!hasSmallDisk) return;
    const folder = join(disk, 'data');
    const env = { ...process.env, DATA_FOLDER: folder, PORT: '0' };
    const command = `exec '${process.execPath}' '${main}'`;
    child = spawn('unshare', apart(command), { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const seen = join(`/proc/${child.pid}/root`, disk);
    const server = await Server.of(child, join(seen, 'data'));
    const site = await Site.open(server);
    const [subjectId, consentId, templateId] = [randomUUID(), randomUUID(), randomUUID()];
    await site.ask(site.registration(subjectId));
    await site.ask(site.agreement(subjectId, consentId));
    await site.ask(site.enrolment(subjectId, templateId, faceOf(1)));

    fill(join(seen, 'filler'));
    const refused: Call[] = [];
    const stored: Call[] = [];
    for (let n = 0; n < 2_000 && refused.length < 5; n++) {
      const call = site.registration(randomUUID());
      const { status, headers, body } = await site.call(call);
      (status === 201 ? stored : refused).push(call);
      if (status === 201) continue;
      expect(body).toMatchObject({ type: 'urn:lethe:problem:http.unavailable', status: 503 });
      expect(headers['retry-after']).toBe('1');
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    }
    expect(refused).toHaveLength(5);
    const begunAt = performance.now();
    const { headers: _attempt, ...verification } = site.verification(subjectId, faceOf(1));
    expect((await site.call(verification)).body).toMatchObject({
      type: 'urn:lethe:problem:matching.unavailable',
      status: 503,
      alternatives: ['id-card'],
    });
    expect(performance.now() - begunAt).toBeLessThan(2_000);
    const shown = { method: 'GET', path: `/v1/consents/${consentId}`, as: 'backend' } as const;
    expect((await site.ask(shown)).state).toBe('given');

    rmSync(join(seen, 'filler'));
    for (const call of refused) expect([200, 201]).toContain((await site.call(call)).status);
    for (const call of stored) expect((await site.call(call)).status).toBe(200);
    expect((await site.ask(site.verification(subjectId, faceOf(1)))).decision).toBe('accept');
    expect((await site.ask(site.withdrawal(consentId))).erasures).toEqual([templateId]);

    const copy = join(parent, 'copy');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    child.kill('SIGSTOP');
    cpSync(join(seen, 'data'), copy, { recursive: true });
    child.kill('SIGKILL');
    expect(await run('lethe', { DATA_FOLDER: copy }, 'doctor')).toMatchObject({ code: 0 });
  }, 60_000);

  it('does not start, and says so; with room it does', async () => {
    if (!hasSmallDisk) return;
    const folder = join(disk, 'data');
    const full = `cat /dev/zero > ${disk}/filler 2> /dev/null; '${process.execPath}' '${main}'; echo "ended $?" >&2`;
    const env = { ...process.env, DATA_FOLDER: folder, PORT: '0' };
    const first = spawnSync('unshare', apart(full), { env, encoding: 'utf8' });
    expect(first.stderr).toBe(
      `${folder} cannot be used as the data folder: the disk is full: make room, then start again\nended 1\n`,
    );
  }, 30_000);
});
