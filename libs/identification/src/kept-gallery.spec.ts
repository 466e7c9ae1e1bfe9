import { createSecretKey } from 'node:crypto';
import { LocalNodes } from '#lib/adapters-embedded';
import { SystemRandom } from '#lib/adapters-system';
import { SubjectId, TenantId } from '#lib/core';
import { Gallery, Rotation } from '#lib/matcher';
import { MatcherNode } from '#lib/matching/contract';
import { PurposeId } from '#lib/policy/contract';
import type { OpenedTemplate, Template, TemplateVault } from '#lib/templates/contract';
import { TestClock } from '../../../test/support/clock.js';
import { purposeId as purpose } from '../../../test/support/policy.js';
import { faceOf } from '../../../test/support/templates.js';
import type { GalleryMembers, LogNews, Member } from './gallery-members.js';
import { KeptGallery } from './kept-gallery.js';

const dim = 64;
const tenant = TenantId.parse('here');
const purposeId = PurposeId.parse(purpose);
const secret = createSecretKey(new Uint8Array(32).fill(7));
const subjectOf = (n: number) => SubjectId.parse(`6f1b0b0e-3c6a-4d52-9d0e-${String(n).padStart(12, '0')}`);
const templateOf = (n: number) => `template-${n}`;
const opened = (n: number): OpenedTemplate => ({ ok: true, embedding: new Float32Array(faceOf(n, dim).buffer) });

/** A hospital of numbered patients, each with a template of the same number, and a log that says whom to look up again. */
describe('a gallery that is kept', () => {
  const kept = new Set<number>();
  let log: number[][] = [];
  let reads = 0;
  let open: (n: number) => Promise<OpenedTemplate>;
  let given: Float32Array[] = [];
  let clock: TestClock;
  let nodes: LocalNodes;
  let node: MatcherNode;
  let gallery: Gallery;
  let held: KeptGallery;

  const numberOf = (id: string) => Number(id.replace(/.*\D/, ''));
  const template = (n: number) => ({ terms: { templateId: templateOf(n) } }) as unknown as Template;
  const memberOf = (subjectId: SubjectId): Member => {
    const n = numberOf(subjectId);
    const own = [template(n)];
    return kept.has(n) ? { subjectId, kept: own, others: [] } : { subjectId, kept: [], others: own };
  };
  const members = {
    listed: async () => ({ place: 0, subjects: [...kept].map(subjectOf) }),
    of: async (_: unknown, subjects: readonly SubjectId[]) => subjects.map(memberOf),
    since: async (_: unknown, place: number): Promise<LogNews> => {
      reads += 1;
      const subjects = (log[place] ?? []).map(subjectOf);
      const next = Math.min(place + 1, log.length);
      return { place: next, isEnd: next === log.length, subjects, searchedAt: [] };
    },
  } as unknown as GalleryMembers;
  const vault = {
    open: (_: TenantId, { terms }: Template) => open(numberOf(terms.templateId)),
    forget: () => undefined,
    remembers: () => false,
    forgetAll: () => undefined,
  } as unknown as TemplateVault;

  const make = async (rowsMax = 100) => {
    gallery = Gallery.of({ dim, rowsMax });
    const name = { tenant, purposeId, model: { id: 'm', version: '1', dim } };
    const rotation = Rotation.of(secret, { purpose, version: 1, dim });
    held = new KeptGallery(name, 1, gallery, rotation, { members, vault, node, clock });
    node.add({
      forget: (_, templateId) => held.forget(templateId),
      remembers: (_, templateId) => held.holds(templateId),
      forgetAll: () => held.close(),
    });
  };
  const inIt = () => [...Array(100).keys()].filter((n) => held.holds(templateOf(n)));
  const isZero = () => {
    const { layout, memory, blockCount } = gallery;
    const rows = new Uint8Array(memory.buffer, layout.blocksFrom, blockCount * layout.blockBytes);
    return rows.subarray(0, 4_096 * layout.strideBytes).every((byte) => byte === 0);
  };

  beforeEach(async () => {
    kept.clear();
    [log, reads, given] = [[], 0, []];
    open = async (n) => {
      const answer = opened(n);
      if (answer.ok) given.push(answer.embedding);
      return answer;
    };
    clock = new TestClock();
    nodes = new LocalNodes(clock);
    node = new MatcherNode(nodes, new SystemRandom(), vault);
    await node.onModuleInit();
    await make();
  });
  afterEach(() => node.onApplicationShutdown());

  it('is made of all there are, tells how far it is, and leaves no opened template behind', async () => {
    for (let n = 1; n <= 70; n++) kept.add(n);
    const built = held.build();
    await new Promise(setImmediate);
    expect(held.progress.total).toBe(70);
    await built;
    expect([held.progress.done, gallery.size, held.subjectOf(templateOf(70))]).toEqual([70, 70, subjectOf(70)]);
    expect(given).toHaveLength(70);
    expect(given.every((embedding) => embedding.every((value) => value === 0))).toBe(true);
  });

  it('follows the log from the place that its list was at, and page by page to the end', async () => {
    kept.add(1);
    log = [[1], [2], [1, 3]];
    await held.build();
    kept.add(2).add(3);
    log.push([2, 3]);
    await held.follow();
    expect(inIt()).toEqual([1, 2, 3]);
    kept.delete(1);
    log.push([1]);
    await held.follow();
    expect([inIt(), held.subjectOf(templateOf(1))]).toEqual([[2, 3], undefined]);
  });

  it('shows whoever asks what was stored before, though a round was under way that had not seen it', async () => {
    await held.build();
    const gate = Promise.withResolvers<void>();
    kept.add(1);
    log.push([1]);
    open = async (n) => {
      await gate.promise;
      return opened(n);
    };
    const first = held.follow();
    await new Promise(setImmediate);
    kept.add(2);
    log.push([2]);
    const before = reads;
    const all = [held.follow(), held.follow(), held.follow()];
    gate.resolve();
    await Promise.all([first, ...all]);
    expect(inIt()).toEqual([1, 2]);
    // The three shared one round.
    expect(reads - before).toBe(1);
  });

  it('goes on after a round that failed', async () => {
    await held.build();
    kept.add(1);
    log.push([1]);
    const working = open;
    open = () => Promise.reject(new Error('the vault is down'));
    await expect(held.follow()).rejects.toThrow('down');
    open = working;
    await held.follow();
    expect(inIt()).toEqual([1]);
  });

  it('lets no eviction miss a template that is being taken in', async () => {
    const gate = Promise.withResolvers<void>();
    kept.add(1);
    open = async (n) => {
      await gate.promise;
      return opened(n);
    };
    const built = held.build();
    await new Promise(setImmediate);
    const evicted = nodes.evict({ tenant, templateId: templateOf(1) });
    expect(await nodes.holding({ tenant, templateId: templateOf(1) })).toHaveLength(1);
    kept.delete(1);
    gate.resolve();
    expect(await evicted).toMatchObject([{ outcome: 'evicted' }]);
    await built;
    expect([inIt(), isZero()]).toEqual([[], true]);
    expect(await nodes.holding({ tenant, templateId: templateOf(1) })).toEqual([]);
  });

  it('takes nothing in that was erased since it was looked up', async () => {
    kept.add(1);
    open = async () => ({ ok: false, reason: 'erased' });
    await held.build();
    expect([inIt(), held.unreadable]).toEqual([[], 0]);
  });

  it('counts who cannot be opened, until they are gone', async () => {
    kept.add(1);
    open = async () => ({ ok: false, reason: 'unreadable' });
    await held.build();
    expect([inIt(), held.unreadable]).toEqual([[], 1]);
    held.forget(templateOf(1));
    expect(held.unreadable).toBe(0);
  });

  it('counts who does not fit, and takes them in when there is room', async () => {
    await make(2);
    for (const n of [1, 2, 3]) kept.add(n);
    await held.build();
    expect([gallery.size, held.leftOut]).toEqual([2, 1]);
    const [gone = 0] = inIt();
    kept.delete(gone);
    log.push([gone]);
    await held.follow();
    expect([gallery.size, held.leftOut, inIt().includes(gone)]).toEqual([2, 0, false]);
  });

  it('is zeros once it is closed, takes nothing of what is on its way, and says so', async () => {
    kept.add(1).add(2);
    await held.build();
    expect(isZero()).toBe(false);
    const gate = Promise.withResolvers<void>();
    kept.add(3);
    log.push([3]);
    open = async (n) => {
      await gate.promise;
      return opened(n);
    };
    const following = held.follow();
    await new Promise(setImmediate);
    held.close();
    gate.resolve();
    await expect(following).rejects.toMatchObject({ name: 'GalleryClosed' });
    expect([gallery.size, isZero()]).toEqual([0, true]);
    expect(() => held.assertOpen()).toThrow('');
  });

  it('lets so many searches begin in a minute, and counts those on their way', async () => {
    await held.build();
    const [first, second] = [held.countIn(2), held.countIn(2)];
    expect(first).toEqual({ out: expect.any(Function) });
    expect(held.countIn(2)).toEqual({ retryAfterSeconds: 60 });
    if ('out' in first) first.out();
    expect(held.countIn(2)).toEqual({ out: expect.any(Function) });
    if ('out' in second) second.out();
  });
});
