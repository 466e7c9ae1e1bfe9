import { LocalNodes } from '#lib/adapters-embedded';
import { SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { Matcher, Nodes } from '#lib/ports';
import type { TemplateVault } from '#lib/templates/contract';
import { TestClock } from '../../../test/support/clock.js';
import { MatcherNode } from './matcher-node.js';

const tenant = TenantId.parse('here');
const templateId = '9f86d081-884c-4d65-8a2f-eaa0c55ad015';
const eviction = { tenant, templateId };

describe('a matcher node', () => {
  const remembered = new Set<string>();
  const vault = {
    forget: (_: TenantId, id: string) => remembered.delete(id),
    remembers: (_: TenantId, id: string) => remembered.has(id),
    forgetAll: () => remembered.clear(),
  } as unknown as TemplateVault;
  let nodes: LocalNodes;
  let node: MatcherNode;

  beforeEach(async () => {
    remembered.clear();
    nodes = new LocalNodes(new TestClock());
    node = new MatcherNode(nodes, new SystemRandom(), vault);
    await node.onModuleInit();
  });
  afterEach(() => node.onApplicationShutdown());

  it('acknowledges an eviction only when no comparison goes on, and forgets what was remembered till then', async () => {
    const comparison = Promise.withResolvers<void>();
    const compared = node.using(tenant, templateId, async () => {
      await comparison.promise;
      remembered.add(templateId);
    });
    let isAcknowledged = false;
    const evicted = nodes.evict(eviction).then((answers) => {
      isAcknowledged = true;
      return answers;
    });
    await new Promise(setImmediate);
    expect([isAcknowledged, await nodes.holding(eviction)]).toEqual([false, [expect.any(String)]]);
    comparison.resolve();
    await compared;
    expect(await evicted).toMatchObject([{ outcome: 'evicted' }]);
    expect(await nodes.holding(eviction)).toEqual([]);
  });

  it('says that it holds what it remembers', async () => {
    remembered.add(templateId);
    expect(await nodes.holding(eviction)).toHaveLength(1);
    await nodes.evict(eviction);
    expect(await nodes.holding(eviction)).toEqual([]);
  });

  it('holds nothing of a comparison that failed', async () => {
    await expect(node.using(tenant, templateId, () => Promise.reject(new RangeError('broken')))).rejects.toThrow(
      'broken',
    );
    expect(await nodes.holding(eviction)).toEqual([]);
  });

  describe('that is fenced', () => {
    let matcher: Matcher;
    const fenced = { name: 'NodeFenced' };
    const compare = () => node.using(tenant, templateId, async () => 'accept');

    beforeEach(async () => {
      // The lease is in the hands of the spec.
      const join = async (joined: Matcher) => {
        matcher = joined;
        return async () => undefined;
      };
      const held = { join } as unknown as Nodes;
      node = new MatcherNode(held, new SystemRandom(), vault);
      await node.onModuleInit();
    });

    it('compares nothing before it has a lease', async () => {
      await expect(compare()).rejects.toMatchObject(fenced);
      matcher.resume();
      expect(await compare()).toBe('accept');
    });

    it('has forgotten everything when it says so, and begins no comparison until it has a lease again', async () => {
      matcher.resume();
      remembered.add(templateId);
      matcher.fence();
      expect(await matcher.holds(eviction)).toBe(false);
      matcher.fence();
      await expect(compare()).rejects.toMatchObject(fenced);
      matcher.resume();
      expect(await compare()).toBe('accept');
    });

    it('takes nothing from a comparison that it was fenced in, though it has a lease again when that ends', async () => {
      matcher.resume();
      const comparison = Promise.withResolvers<string>();
      const compared = node.using(tenant, templateId, () => comparison.promise);
      matcher.fence();
      matcher.resume();
      comparison.resolve('accept');
      await expect(compared).rejects.toMatchObject(fenced);
      expect(await matcher.holds(eviction)).toBe(false);
    });
  });
});
