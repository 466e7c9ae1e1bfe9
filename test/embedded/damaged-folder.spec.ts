import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesIn } from '../support/canary.js';
import { type Ended, run, runAs } from '../support/process.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';
import { faceOf } from '../support/templates.js';

/** Nobody in particular: whom files that are root's are closed to. */
const nobody = 65_534;

describe('a folder, damaged', () => {
  const parent = mkdtempSync(join(tmpdir(), 'lethe-faults-'));
  const whole = join(parent, 'whole');
  const folder = join(parent, 'damaged');
  const subjectId = randomUUID();

  beforeAll(async () => {
    const server = await Server.start(whole);
    const site = await Site.open(server);
    await site.ask(site.registration(subjectId, 'MRN-1'));
    await site.ask(site.agreement(subjectId, randomUUID()));
    await site.ask(site.enrolment(subjectId, randomUUID(), faceOf(1)));
    await server.end('SIGTERM');
  }, 60_000);
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    cpSync(whole, folder, { recursive: true });
  });
  afterAll(() => rmSync(parent, { recursive: true }));

  const start = (env: NodeJS.ProcessEnv = {}): Promise<Ended> => run('api', { DATA_FOLDER: folder, PORT: '0', ...env });
  const file = (name: string) => join(folder, name);
  const flip = (name: string, at: number) => {
    const bytes = readFileSync(file(name));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file(name), bytes);
  };
  const restored = 'restore a backup';

  it.each([
    ['root.key', 'missing', () => rmSync(file('root.key')), 'put the root key back'],
    ['root.key', 'cut off', () => truncateSync(file('root.key'), 40), 'put a copy of the root key back'],
    ['root.key', 'a bit wrong', () => flip('root.key', 20), 'put a copy of the root key back'],
    ['root.key', 'open to others', () => chmodSync(file('root.key'), 0o644), 'chmod 600'],
    ['keys.sealed', 'missing', () => rmSync(file('keys.sealed')), 'put a copy of it back'],
    ['keys.sealed', 'cut off', () => truncateSync(file('keys.sealed'), 60), 'put back the root key'],
    ['keys.sealed', 'a bit wrong', () => flip('keys.sealed', 50), 'put back the root key'],
    ['events.db', 'missing', () => rmSync(file('events.db')), restored],
    ['events.db', 'empty', () => truncateSync(file('events.db'), 0), restored],
    ['events.db', 'cut off in a page', () => truncateSync(file('events.db'), 5_000), restored],
    ['events.db', 'cut off between pages', () => truncateSync(file('events.db'), 8_192), restored],
    ['events.db', 'no database', () => writeFileSync(file('events.db'), Buffer.alloc(8_192, 7)), restored],
    ['vault.db', 'missing', () => rmSync(file('vault.db')), restored],
    ['vault.db', 'another file', () => cpSync(file('keys.db'), file('vault.db')), 'move it away'],
    ['keys.db', 'missing', () => rmSync(file('keys.db')), restored],
    ['keys.db', 'cut off', () => truncateSync(file('keys.db'), 5_000), restored],
    ['views.db', 'cut off', () => truncateSync(file('views.db'), 5_000), 'delete it and its -wal'],
  ])(
    'with %s %s is not served: it says so in a line, and leaves everything as it is',
    async (name, _what, damage, advice) => {
      damage();
      const before = filesIn(folder);
      const { code, printed, complained } = await start();
      expect({ code, printed }).toEqual({ code: 1, printed: '' });
      expect(complained.trim().split('\n')).toHaveLength(1);
      expect(complained).toContain(file(name));
      expect(complained).toContain(advice);
      const after = filesIn(folder);
      for (const [kept, bytes] of before)
        expect({ kept, isSame: after.get(kept)?.equals(bytes) }).toEqual({ kept, isSame: true });
    },
  );

  it('is not served with an empty DATA_FOLDER, which is said in a line', async () => {
    const { code, complained } = await start({ DATA_FOLDER: '' });
    expect(code).toBe(1);
    expect(complained).toMatch(/^DATA_FOLDER cannot be used \(.+\): correct this setting, or leave it out\n$/);
  });

  it('stays as it was left when the server finds no place to listen', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { code } = await start({ PORT: String((other.address() as AddressInfo).port) });
    other.close();
    expect(code).toBe(1);
    expect(existsSync(file('holder.json'))).toBe(true);
    const server = await Server.start(folder);
    await server.end('SIGTERM');
  });

  it('is served by one process at a time', async () => {
    const server = await Server.start(folder);
    const { code, complained } = await start();
    await server.end('SIGTERM');
    expect(code).toBe(1);
    expect(complained).toMatch(/^.+damaged is in use by another process \(process \d+, serving http:.+\)\. .+\n$/);
  });

  it('is not what a file is', async () => {
    const { code, complained } = await start({ DATA_FOLDER: file('admin.key') });
    expect({ code, complained }).toEqual({
      code: 1,
      complained: `${file('admin.key')} cannot be used as the data folder: something else has its name: choose another one\n`,
    });
  });

  it('that cannot be written is not served', async () => {
    // Root may write anywhere: then it is another user who may not.
    const user = process.getuid?.() === 0 ? nobody : undefined;
    const own = (uid: number) => {
      if (user === undefined) return;
      for (const place of [parent, folder, ...[...filesIn(folder).keys()].map(file)]) chownSync(place, uid, uid);
    };
    own(nobody);
    chmodSync(folder, 0o500);
    const { code, complained } = await runAs(user, 'api', { DATA_FOLDER: folder, PORT: '0' });
    own(0);
    expect({ code, complained }).toEqual({
      code: 1,
      complained: `${folder} cannot be used as the data folder: it cannot be written: see to its permissions, or choose another one\n`,
    });
  });
});
