import { TenantId } from '#lib/core';
import type { Eviction, Matcher, Nodes } from './nodes.port.js';

const eviction: Eviction = { tenant: TenantId.parse('here'), templateId: 'template' };

/** A matcher that holds the template until it is told to evict it. */
class Holder implements Matcher {
  readonly evicted: Eviction[] = [];
  isFenced = false;

  constructor(readonly nodeId: string) {}

  async evict(eviction: Eviction): Promise<void> {
    this.evicted.push(eviction);
  }

  async holds(): Promise<boolean> {
    return this.evicted.length === 0;
  }

  fence(): void {
    this.isFenced = true;
  }

  resume(): void {
    this.isFenced = false;
  }
}

interface Opened {
  readonly nodes: Nodes;
  readonly close: () => Promise<void>;
}

/** What every Nodes must do. `open` gives a fresh one without a node each time. */
export function nodesContract(open: () => Promise<Opened>): void {
  describe('Nodes contract', () => {
    let nodes: Nodes;
    let close: () => Promise<void>;
    const holding = async () => [...(await nodes.holding(eviction))].sort();
    const failing = (nodeId: string): Matcher => ({
      nodeId,
      evict: () => Promise.reject(new Error('no')),
      holds: () => Promise.reject(new Error('no')),
      fence: () => undefined,
      resume: () => undefined,
    });
    const hanging = (nodeId: string): Matcher => ({
      nodeId,
      evict: () => new Promise(() => undefined),
      holds: () => new Promise(() => undefined),
      fence: () => undefined,
      resume: () => undefined,
    });

    beforeEach(async () => {
      ({ nodes, close } = await open());
    });
    afterEach(() => close());

    it('knows no node before one joins', async () => {
      expect(await nodes.live()).toEqual([]);
      expect(await nodes.evict(eviction)).toEqual([]);
      expect(await nodes.holding(eviction)).toEqual([]);
    });

    it('counts a node from its joining to its leaving, which may come twice', async () => {
      const leave = await nodes.join(new Holder('one'));
      await nodes.join(new Holder('two'));
      expect([...(await nodes.live())].sort()).toEqual(['one', 'two']);
      await leave();
      await leave();
      expect(await nodes.live()).toEqual(['two']);
      await nodes.join(new Holder('one'));
      await leave();
      expect([...(await nodes.live())].sort()).toEqual(['one', 'two']);
    });

    it('lets a node work from its joining to its leaving', async () => {
      const one = new Holder('one');
      one.isFenced = true;
      const leave = await nodes.join(one);
      expect(one.isFenced).toBe(false);
      await leave();
      expect(one.isFenced).toBe(true);
    });

    it('asks every live node to evict, and answers once they did', async () => {
      const [one, two, gone] = [new Holder('one'), new Holder('two'), new Holder('gone')];
      const leave = await nodes.join(gone);
      for (const each of [one, two]) await nodes.join(each);
      await leave();
      expect(await holding()).toEqual(['one', 'two']);
      const answers = [...(await nodes.evict(eviction))].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
      expect(answers).toEqual([
        { nodeId: 'one', outcome: 'evicted' },
        { nodeId: 'two', outcome: 'evicted' },
      ]);
      expect([one.evicted, two.evicted, gone.evicted]).toEqual([[eviction], [eviction], []]);
      expect(await holding()).toEqual([]);
    });

    it('asks again when told to', async () => {
      const one = new Holder('one');
      await nodes.join(one);
      await nodes.evict(eviction);
      expect(await nodes.evict(eviction)).toEqual([{ nodeId: 'one', outcome: 'evicted' }]);
      expect(one.evicted).toHaveLength(2);
    });

    it('takes a failure for no acknowledgement, and lets no other node pay for it', async () => {
      await nodes.join(failing('failing'));
      await nodes.join(new Holder('one'));
      const answers = new Map((await nodes.evict(eviction)).map(({ nodeId, outcome }) => [nodeId, outcome]));
      expect(answers.get('one')).toBe('evicted');
      expect(answers.get('failing')).toBe('silent');
    });

    it('counts a node that does not say for one that holds it', async () => {
      await nodes.join(failing('failing'));
      await nodes.join(new Holder('one'));
      await nodes.evict(eviction);
      expect(await holding()).toEqual(['failing']);
    });

    it('answers within 5 s for a node that never does', async () => {
      await nodes.join(hanging('hanging'));
      await nodes.join(new Holder('one'));
      const begun = performance.now();
      const [answers, held] = await Promise.all([nodes.evict(eviction), holding()]);
      expect(performance.now() - begun).toBeLessThan(6_000);
      const outcomes = new Map(answers.map(({ nodeId, outcome }) => [nodeId, outcome]));
      expect([outcomes.get('one'), outcomes.get('hanging')]).toEqual(['evicted', 'silent']);
      expect(held).toContain('hanging');
    }, 15_000);
  });
}
