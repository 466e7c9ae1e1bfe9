import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TenantId } from '#lib/core';
import { Gallery, Rotation } from '#lib/matcher';
import { KeyService } from '#lib/ports';
import { filesIn, found } from '../support/canary.js';
import { searchedCard } from '../support/identification.js';
import { Known } from '../support/known.js';
import { hasReadableMemory, type Trace, tracesIn } from '../support/memory.js';
import { identifying, purposeId, thresholdCard } from '../support/policy.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';
import { withStores } from '../support/stores.js';

const tenant = TenantId.parse('here');
const { dim } = thresholdCard.model;
/** Of a face as the gallery has it: long enough to be nobody else's. */
const pieceBytes = 48;
const inMemory = hasReadableMemory ? 'in memory' : 'in memory, which cannot be looked at here: there is no /proc';

describe('faces in a gallery', () => {
  const parent = mkdtempSync(join(tmpdir(), 'lethe-gallery-canary-'));
  const folder = join(parent, 'data');
  const [withdrawn, forgotten, bystander] = [1, 2, 3].map((seed) => new Known(seed)) as [Known, Known, Known];
  const erased = [withdrawn, forgotten];
  let server: Server;
  let site: Site;
  let rotation: Rotation;
  let left: Trace[] | undefined;

  beforeAll(async () => {
    server = await Server.start(folder, { GALLERY_MEMORY_MB: '64' });
    site = await Site.open(server, tenant, {
      purpose: identifying(),
      // Faces that repeat eight numbers are more alike than faces are.
      card: { ...thresholdCard, ...searchedCard, accept: 0.95 },
    });
    for (const known of [bystander, ...erased]) await known.arrive(site);
    // The rotation's key is in the folder, which the server holds: a copy of it tells.
    const copy = join(parent, 'copy');
    cpSync(folder, copy, { recursive: true, filter: (path) => !path.endsWith('.lock') });
    rotation = await withStores(copy, async (stores) =>
      Rotation.of(await stores.get(KeyService).secret(tenant, 'rotation'), { purpose: purposeId, version: 1, dim }),
    );
  }, 60_000);
  afterAll(async () => {
    await server?.end('SIGKILL');
    rmSync(parent, { recursive: true });
  });

  /** By the face that is enrolled and by both that are near it; who is found by all. */
  const searched = async (known: Known): Promise<string[]> => {
    const ids = new Set<string>();
    for (const { face } of [known.enrolled, ...known.probes]) {
      const { body } = await askUntilBuilt(face);
      for (const { subjectId } of body.candidates) ids.add(subjectId);
    }
    return [...ids];
  };
  const askUntilBuilt = async (face: Uint8Array) => {
    for (;;) {
      const answer = await site.call(site.identification(face));
      if (!String(answer.body.type).endsWith('.building')) return answer;
      await pause(50);
    }
  };

  /** The face as it is after rotation: in f64, f32 and int8, and as it lies in a row of a gallery. */
  const rotatedOf = (face: Uint8Array): [string, Buffer][] => {
    const rotated = rotation.rotate(new Float32Array(face.slice().buffer));
    const gallery = Gallery.of({ dim, rowsMax: 1 });
    gallery.put('one', rotated);
    const { memory, layout } = gallery;
    // Its upper halves, all of them.
    const row = Buffer.from(new Uint8Array(memory.buffer, layout.blocksFrom, dim / 2).slice());
    const largest = Math.max(...rotated.map(Math.abs));
    const int8 = Int8Array.from(rotated, (value) => Math.round((value * 127) / largest));
    return [
      ['rotated f64', Buffer.from(rotated.buffer, 0, pieceBytes)],
      ['rotated f32', Buffer.from(Float32Array.from(rotated).buffer, 0, pieceBytes)],
      ['rotated int8', Buffer.from(int8.buffer, 0, pieceBytes)],
      ['row', row],
    ];
  };
  const rowsOf = (all: readonly Known[]) => all.flatMap(({ enrolled }) => rotatedOf(enrolled.face));
  /** A probe is in no row; that of the face it is near to may be the same as its own would be. */
  const probesOf = (all: readonly Known[]) =>
    all.flatMap(({ probes }) => probes.flatMap(({ face }) => rotatedOf(face).filter(([form]) => form !== 'row')));
  const formsIn = (patterns: readonly [string, Buffer][]) =>
    new Set(tracesIn(server.pid, patterns).map(({ form }) => form));

  it('are found', async () => {
    for (const known of [bystander, ...erased]) expect(await searched(known)).toEqual([known.subjectId]);
  });

  it(`are rows and nothing else, and probes are nothing, ${inMemory}`, async () => {
    expect(hasReadableMemory).toBe(process.platform === 'linux');
    if (!hasReadableMemory) return;
    expect(formsIn(rowsOf([...erased, bystander]))).toEqual(new Set(['row']));
    expect(formsIn(probesOf([...erased, bystander]))).toEqual(new Set());
  });

  it('are in no file, however they are turned', () => {
    expect(found(filesIn(folder), [...rowsOf([...erased, bystander]), ...probesOf(erased)])).toEqual([]);
  });

  it('are erased, and found no more; the other one still is', async () => {
    await withdrawn.withdraw(site);
    await site.ask({ method: 'DELETE', path: `/v1/subjects/${forgotten.subjectId}`, as: 'registrar' });
    await Promise.all(erased.map((known) => known.erased(site)));
    await pause(1_000);
    // Overwrites what the HTTP parser of Node last read into: see docs/forensics.md.
    await site.call(site.verification(bystander.subjectId, new Uint8Array(16 * 1024)));
    if (hasReadableMemory) {
      const raw = erased.flatMap((known) => known.faces());
      left = tracesIn(server.pid, [...raw, ...rowsOf(erased), ...probesOf(erased)]);
    }
    for (const known of erased) expect(await searched(known)).toEqual([]);
    expect(await searched(bystander)).toEqual([bystander.subjectId]);
  }, 60_000);

  it(`were nothing by then, in any form, ${inMemory}`, () => {
    expect(hasReadableMemory).toBe(process.platform === 'linux');
    if (!hasReadableMemory) return;
    expect(left).toEqual([]);
    expect(formsIn(rowsOf([bystander]))).toEqual(new Set(['row']));
  });
});
