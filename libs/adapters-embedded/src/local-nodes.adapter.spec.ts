import { setTimeout as sleep } from 'node:timers/promises';
import { SystemClock } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { Matcher } from '#lib/ports';
import { nodesContract } from '#lib/ports/contracts';
import { TestClock } from '../../../test/support/clock.js';
import { LocalNodes } from './local-nodes.adapter.js';

nodesContract(async () => ({ nodes: new LocalNodes(new SystemClock()), close: async () => undefined }));

describe('LocalNodes', () => {
  const eviction = { tenant: TenantId.parse('here'), templateId: 'template' };
  const never = () => new Promise<never>(() => undefined);
  const node = (nodeId: string, evict: Matcher['evict'] = async () => undefined): Matcher => ({
    nodeId,
    evict,
    holds: never,
    fence: () => undefined,
    resume: () => undefined,
  });
  let clock: TestClock;
  let nodes: LocalNodes;

  beforeEach(() => {
    clock = new TestClock();
    nodes = new LocalNodes(clock);
  });

  it('has one node of each name', async () => {
    await nodes.join(node('one'));
    await expect(nodes.join(node('one'))).rejects.toMatchObject({ message: 'there are two nodes named one' });
  });

  it('waits five seconds for a node that does not answer, and no longer', async () => {
    await nodes.join(node('silent', never));
    await nodes.join(node('one'));
    let answered = 0;
    const asked = Promise.all([nodes.evict(eviction), nodes.holding(eviction)]).finally(() => answered++);
    await sleep(10);
    clock.advance(4_900);
    await sleep(10);
    expect(answered).toBe(0);
    clock.advance(200);
    expect(await asked).toEqual([
      [
        { nodeId: 'silent', outcome: 'silent' },
        { nodeId: 'one', outcome: 'evicted' },
      ],
      ['silent', 'one'],
    ]);
  });

  it('takes a node that throws at once for silent, too', async () => {
    const throwing = () => {
      throw new Error('at once');
    };
    await nodes.join(node('throwing', throwing));
    await nodes.join(node('one'));
    expect(await nodes.evict(eviction)).toEqual([
      { nodeId: 'throwing', outcome: 'silent' },
      { nodeId: 'one', outcome: 'evicted' },
    ]);
  });
});
