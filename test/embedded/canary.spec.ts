import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TenantId } from '#lib/core';
import { filesIn, found, patternsOf } from '../support/canary.js';
import { Known } from '../support/known.js';
import { hasReadableMemory, type Trace, tracesIn } from '../support/memory.js';
import { purposeId, thresholdCard } from '../support/policy.js';
import { run } from '../support/process.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';
import { entriesIn, KeysLeft, type Opening, recordsIn } from './every-key.js';

const tenant = TenantId.parse('here');
/** `kAllocBufferSize` of Node's HTTP parser. */
const readBufferBytes = 64 * 1024;
const inMemory = hasReadableMemory
  ? 'nowhere in memory but where the last requests were read'
  : 'not looked for in memory: there is no /proc here';
const model = `${thresholdCard.model.id}@${thresholdCard.model.version}`;

describe('canaries', () => {
  const parent = mkdtempSync(join(tmpdir(), 'lethe-canary-'));
  const folder = join(parent, 'data');
  /** Of vault and key table, taken before anything was erased. */
  const before = join(parent, 'before');
  const [withdrawn, deleted, forgotten, bystander] = [1, 2, 3, 4].map((seed) => new Known(seed)) as [
    Known,
    Known,
    Known,
    Known,
  ];
  const erased = [withdrawn, deleted, forgotten];
  let server: Server;
  let site: Site;
  let traces: Trace[] = [];
  const traced = () =>
    tracesIn(
      server.pid,
      erased.flatMap((known) => known.faces()),
    );

  const everywhere = () =>
    new Map([
      ...filesIn(folder),
      ['what it printed', Buffer.from(server.printed)],
      ['what it complained of', Buffer.from(server.complained)],
    ]);
  const secrets = () => [...erased, bystander].flatMap((known) => known.secrets());
  const command = (...args: string[]) => run('lethe', { DATA_FOLDER: folder }, ...args);

  beforeAll(async () => {
    server = await Server.start(folder);
    site = await Site.open(server);
    for (const known of [bystander, ...erased]) await known.arrive(site);
  }, 60_000);
  afterAll(async () => {
    await server?.end('SIGKILL');
    rmSync(parent, { recursive: true });
  });

  it('would be found, in any form and at any place', () => {
    const { face } = withdrawn.enrolled;
    const floats = [...new Float32Array(face.buffer)];
    const largest = Math.max(...floats.map(Math.abs));
    const kept = {
      f32: Buffer.from(face.subarray(700, 764)),
      int8: Buffer.from(Int8Array.from(floats, (x) => Math.round((x * 127) / largest))),
      json: Buffer.from(JSON.stringify({ data: floats })),
      object: Buffer.from(JSON.stringify(new Float32Array(face.buffer))),
      ...Object.fromEntries(
        [0, 1, 2].map((n) => [`base64-${n}`, Buffer.from(Buffer.concat([Buffer.alloc(n), face]).toString('base64'))]),
      ),
    };
    const files = new Map(Object.entries(kept).map(([name, bytes]) => [name, Buffer.concat([Buffer.alloc(3), bytes])]));
    const where = found(files, withdrawn.enrolled.patterns()).map((line) => line.split(' in ')[1]);
    expect(new Set(where)).toEqual(new Set(Object.keys(kept)));
    const [reference = ''] = withdrawn.texts;
    const sent = new Map([
      ['log', Buffer.from(`a ${reference} b`)],
      ['body', Buffer.from(btoa(`{"ref":"${reference}"}`))],
    ]);
    expect(found(sent, patternsOf(reference)).map((line) => line.split(' in ')[1])).toEqual(['log', 'body']);
  });

  it('are matched, and in the clear in no file and no log', async () => {
    // Those that will be erased come last: what they leave in memory, nobody after them overwrites.
    for (const known of [bystander, ...erased]) expect(await known.match(site)).toEqual(['accept', 'accept']);
    expect(found(everywhere(), secrets())).toEqual([]);
    mkdirSync(before);
    for (const name of readdirSync(folder)) {
      if (/^(vault|keys)\.db/.test(name)) cpSync(join(folder, name), join(before, name));
    }
    expect(await recordsIn(before, tenant)).toHaveLength(4);
  });

  it('are erased, and then in the clear in no file and no log', async () => {
    await withdrawn.withdraw(site);
    await site.ask({ method: 'DELETE', path: `/v1/templates/${deleted.templateId}`, as: 'backend' });
    await site.ask({ method: 'DELETE', path: `/v1/subjects/${forgotten.subjectId}`, as: 'registrar' });
    await Promise.all(erased.map((known) => known.erased(site)));
    await pause(1_000);
    if (hasReadableMemory) traces = traced();
    expect(found(everywhere(), secrets())).toEqual([]);
  }, 60_000);

  it(`are ${inMemory}`, async () => {
    expect(hasReadableMemory).toBe(process.platform === 'linux');
    if (!hasReadableMemory) return;
    // That it can be found at all: what was asked for last is there.
    const path = Buffer.from(`/v1/erasures/${deleted.templateId}`);
    expect(tracesIn(server.pid, [['path', path]])).not.toEqual([]);
    const addresses = traces.map(({ address }) => address);
    // Node reads all connections of a process into one buffer of its HTTP parser, and nothing clears it but the next read.
    expect(Math.max(...addresses) - Math.min(...addresses)).toBeLessThan(readBufferBytes);
    expect(new Set(traces.map(({ region }) => region)).size).toBeLessThanOrEqual(1);
    await site.call(site.verification(bystander.subjectId, new Uint8Array(16 * 1024)));
    expect(traced()).toEqual([]);
  }, 60_000);

  it('are noise in every older copy once the generation is closed, and not before', async () => {
    await server.end('SIGTERM');
    const old = await recordsIn(before, tenant);
    const records = [...erased, bystander].map((known): Opening => {
      const { id = '', bytes = new Uint8Array() } = old.find(({ key }) => key === known.templateId) ?? {};
      return { id, bytes, subject: known.subjectId, purpose: purposeId, template: known.templateId, model };
    });
    const opened = async () => {
      const entries = [...(await entriesIn(before, tenant)), ...(await entriesIn(folder, tenant))];
      return new KeysLeft(folder).opens(tenant, entries, records);
    };
    const all = await opened();
    for (const known of [...erased, bystander])
      expect(all.get(known.templateId)).toEqual(Buffer.from(known.enrolled.face));

    // In the folder itself they are gone already, ciphertext and wrapped key alike.
    const gone = erased.map(({ templateId }) => records.find(({ template }) => template === templateId));
    const sealed = gone.map((record): [string, Buffer] => ['ciphertext', Buffer.from(record?.bytes ?? [])]);
    const wrapped = (await entriesIn(before, tenant))
      .filter(({ keyId }) => gone.some((record) => record?.id === keyId))
      .map((entry): [string, Buffer] => ['wrapped key', Buffer.from(entry.wrapped)]);
    expect([sealed.length, wrapped.length]).toEqual([3, 3]);
    expect(found(filesIn(folder), [...sealed, ...wrapped])).toEqual([]);

    expect(await command('close-generation', tenant)).toMatchObject({ code: 0 });
    expect([...(await opened()).keys()]).toEqual([bystander.templateId]);
  }, 60_000);

  it('stay noise when an older key table is put back', async () => {
    for (const name of readdirSync(folder)) if (name.startsWith('keys.db')) rmSync(join(folder, name));
    for (const name of readdirSync(before)) cpSync(join(before, name), join(folder, name), { force: true });
    server = await Server.start(folder);
    site.move(server);
    for (const known of erased) {
      const [inJson, inBytes] = await known.match(site);
      expect(inJson).toBe(inBytes);
      expect(inJson).toMatch(/matching\.(no-template|not-permitted)|subjects\.missing/);
    }
    await server.end('SIGTERM');
    const records = await recordsIn(folder, tenant);
    expect(records.length).toBeGreaterThan(0);
    const openings = [...erased, bystander].flatMap((known) =>
      records
        .filter(({ key }) => key === known.templateId)
        .map(({ id, bytes = new Uint8Array() }): Opening => {
          return { id, bytes, subject: known.subjectId, purpose: purposeId, template: known.templateId, model };
        }),
    );
    expect([...new KeysLeft(folder).opens(tenant, await entriesIn(folder, tenant), openings).keys()]).toEqual([]);
  }, 60_000);
});
