import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { SystemClock, SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { Acknowledgement, Eviction, Matcher } from '#lib/ports';
import { nodesContract } from '#lib/ports/contracts';
import { type Child, childOf, kill } from '../../../test/support/child.js';
import { OwnServices } from '../../../test/support/own-services.js';
import { openRedis } from './redis-connection.js';
import { RedisNodes } from './redis-nodes.adapter.js';

beforeAll(() => Logger.overrideLogger(false));

const ticks = new SystemClock();
const random = new SystemRandom();
const eviction: Eviction = { tenant: TenantId.parse('here'), templateId: 'template' };

const until = async (condition: () => boolean | Promise<boolean>, withinMs = 20_000) => {
  for (const deadline = Date.now() + withinMs; !(await condition()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms`);
  }
};

const outcomes = (answers: readonly Acknowledgement[]) =>
  Object.fromEntries(answers.map(({ nodeId, outcome }) => [nodeId, outcome]));

/** Holds what it is told to, until it is evicted or fenced; and notes when it was fenced. */
class Memory implements Matcher {
  readonly held = new Set<string>();
  readonly fencedAtMs: number[] = [];
  isFenced = true;

  constructor(readonly nodeId: string) {}

  remember(templateId: string): void {
    if (!this.isFenced) this.held.add(templateId);
  }

  async evict({ templateId }: Eviction): Promise<void> {
    this.held.delete(templateId);
  }

  async holds({ templateId }: Eviction): Promise<boolean> {
    return this.held.has(templateId);
  }

  fence(): void {
    if (!this.isFenced) this.fencedAtMs.push(performance.now());
    this.isFenced = true;
    this.held.clear();
  }

  resume(): void {
    this.isFenced = false;
  }
}

async function flush(url: string): Promise<void> {
  const redis = openRedis({ url, prefix: '' }, 'spec');
  await until(() => redis.status === 'ready');
  await redis.flushall();
  redis.disconnect();
}

const shared = process.env.REDIS_URL ?? '';

nodesContract(async () => {
  const redis = { url: shared, prefix: `spec-${randomUUID()}:` };
  const nodes = await RedisNodes.open({ redis, ticks, random });
  const close = async () => {
    await nodes.close();
    const left = openRedis(redis, 'spec');
    await until(() => left.status === 'ready');
    await left.del(`${redis.prefix}nodes`, `${redis.prefix}nodes-registry`);
    left.disconnect();
  };
  return { nodes, close };
});

describe('RedisNodes', () => {
  let services: OwnServices;
  let prefix: string;
  const opened: RedisNodes[] = [];
  const children: Child[] = [];
  const open = async (url = services.env.REDIS_URL as string) => {
    const nodes = await RedisNodes.open({ redis: { url, prefix }, ticks, random });
    opened.push(nodes);
    return nodes;
  };
  const joined = async (name: string, url?: string) => {
    const [nodes, memory] = [await open(url), new Memory(name)];
    await nodes.join(memory);
    return { nodes, memory };
  };
  /** A node in another process, which tells what it is told. */
  const elsewhere = async (name: string) => {
    const child = await childOf(`
      import { SystemClock, SystemRandom } from '#lib/adapters-system';
      import { RedisNodes } from './libs/adapters-cluster/src/redis-nodes.adapter.ts';
      const redis = { url: ${JSON.stringify(services.env.REDIS_URL)}, prefix: ${JSON.stringify(prefix)} };
      const nodes = await RedisNodes.open({ redis, ticks: new SystemClock(), random: new SystemRandom() });
      await nodes.join({
        nodeId: ${JSON.stringify(name)},
        evict: async () => void process.send('evicted'),
        holds: async () => false,
        fence: () => process.send('fenced'),
        resume: () => process.send('resumed'),
      });
      process.on('message', (blockMs) => {
        for (const end = Date.now() + blockMs; Date.now() < end; );
      });
    `);
    children.push(child);
    await until(() => child.told.includes('resumed'));
    return child;
  };
  const toxic = (path: string, body: object) =>
    fetch(`${services.env.TOXIPROXY_URL}${path}`, { method: 'POST', body: JSON.stringify(body) });

  beforeAll(async () => {
    services = await OwnServices.up('redis', 'toxiproxy');
  });
  beforeEach(() => {
    prefix = `spec-${randomUUID()}:`;
  });
  afterEach(async () => {
    await services.start('redis');
    for (const nodes of opened.splice(0)) await nodes.close();
    for (const child of children.splice(0)) await kill(child);
  });
  afterAll(() => services.down());

  it('knows the nodes of other processes, and has them evict', async () => {
    const one = await joined('one');
    one.memory.remember('template');
    const child = await elsewhere('two');
    const asker = await open();
    expect(await asker.holding(eviction)).toEqual(['one']);
    expect(outcomes(await asker.evict(eviction))).toEqual({ one: 'evicted', two: 'evicted' });
    expect([one.memory.held.size, child.told]).toEqual([0, ['resumed', 'evicted']]);
    expect([...(await asker.live())].sort()).toEqual(['one', 'two']);
  });

  it('has one node of each name', async () => {
    const { nodes, memory } = await joined('one');
    await expect(nodes.join(memory)).rejects.toMatchObject({ message: 'there are two nodes named one' });
  });

  it('takes a node that was killed for fenced once its lease has ended, and asks it no more', async () => {
    const child = await elsewhere('two');
    const asker = await open();
    await asker.live();
    await kill(child);
    const begun = performance.now();
    expect(outcomes(await asker.evict(eviction))).toEqual({ two: 'fenced' });
    expect(performance.now() - begun).toBeGreaterThan(2_900);
    expect(await asker.evict(eviction)).toEqual([]);
  });

  it('takes a node that stands still for fenced once its lease has ended; when it goes on, that fences itself first', async () => {
    const child = await elsewhere('two');
    const asker = await open();
    child.process.kill('SIGSTOP');
    expect(outcomes(await asker.evict(eviction))).toEqual({ two: 'fenced' });
    expect(await asker.live()).toEqual([]);
    child.process.kill('SIGCONT');
    await until(() => child.told.filter((each) => each === 'resumed').length === 2);
    // What it was asked meanwhile it still does, when nothing is left to do.
    expect(child.told.filter((each) => each !== 'evicted')).toEqual(['resumed', 'fenced', 'resumed']);
    expect(child.told.indexOf('fenced')).toBe(1);
    expect(await asker.live()).toEqual(['two']);
    expect(outcomes(await asker.evict(eviction))).toEqual({ two: 'evicted' });
  });

  it('fences a node that was too busy to renew', async () => {
    const child = await elsewhere('two');
    child.process.send(3_500);
    await until(() => child.told.length >= 3);
    expect(child.told).toEqual(['resumed', 'fenced', 'resumed']);
  });

  it('fences a node before its lease ends when Redis is killed, and lets it work again when that is back', async () => {
    const { nodes, memory } = await joined('one');
    const asker = await open();
    expect(await asker.live()).toEqual(['one']);
    memory.remember('template');
    const killedAtMs = performance.now();
    await services.kill('redis');
    const begun = performance.now();
    expect(outcomes(await asker.evict(eviction))).toEqual({ one: 'silent', registry: 'silent' });
    expect(await asker.holding(eviction)).toEqual(['one', 'registry']);
    await expect(asker.live()).rejects.toMatchObject({ name: 'NodesUnavailable' });
    await expect(nodes.check()).rejects.toMatchObject({ name: 'NodesUnavailable' });
    expect(performance.now() - begun).toBeLessThan(2_000);
    await until(() => memory.isFenced);
    // The kill itself takes a moment, in which it may have been renewed.
    expect((memory.fencedAtMs[0] ?? 0) - killedAtMs).toBeLessThan(3_000);
    expect(memory.held.size).toBe(0);
    expect(nodes.counts).toMatchObject({ fences: 1, joins: 1 });
    expect(nodes.counts.renewalsMissed).toBeGreaterThan(1);
    await services.start('redis');
    await until(() => !memory.isFenced);
    await nodes.check();
    expect(outcomes(await asker.evict(eviction))).toEqual({ one: 'evicted' });
  });

  it('keeps a lease over a Redis that was away for a moment', async () => {
    const { nodes, memory } = await joined('one');
    memory.remember('template');
    await services.kill('redis');
    await services.start('redis');
    await sleep(4_000);
    expect([memory.held.size, nodes.counts.fences]).toEqual([1, 0]);
  });

  it('does not believe a registry that was emptied until all had time to join it', async () => {
    const { nodes, memory } = await joined('one');
    await elsewhere('two');
    const asker = await open();
    expect(await asker.live()).toHaveLength(2);
    memory.remember('template');
    await flush(services.env.REDIS_URL as string);
    expect(outcomes(await asker.evict(eviction))).toEqual({ one: 'evicted', two: 'evicted' });
    expect(memory.held.size).toBe(0);
    expect(nodes.counts).toMatchObject({ fences: 1, joins: 2 });
    await flush(services.env.REDIS_URL as string);
    expect(await asker.live()).toHaveLength(2);
  });

  it('joins a node that began without Redis once that is there', async () => {
    await services.kill('redis');
    const { memory, nodes } = await joined('one');
    expect(memory.isFenced).toBe(true);
    await expect(nodes.check()).rejects.toMatchObject({ name: 'NodesUnavailable' });
    await services.start('redis');
    await until(() => !memory.isFenced);
    expect(outcomes(await nodes.evict(eviction))).toEqual({ one: 'evicted' });
  });

  it('is fenced when Redis hangs, and silent', async () => {
    const { memory, nodes } = await joined('one');
    await nodes.live();
    await services.freeze('redis', true);
    const begun = performance.now();
    const [answers] = await Promise.allSettled([nodes.evict(eviction), until(() => memory.isFenced)]);
    await services.freeze('redis', false);
    expect(memory.fencedAtMs.map((ms) => ms - begun < 3_000)).toEqual([true]);
    expect(answers).toMatchObject({ status: 'fulfilled', value: [{ outcome: 'silent' }, { outcome: 'silent' }] });
  });

  it('rides out a slow network, and is fenced by one that is slower than a lease', async () => {
    const { memory, nodes } = await joined('one', services.env.REDIS_URL_PROXIED as string);
    const asker = await open();
    await asker.live();
    await toxic('/proxies/redis/toxics', { type: 'latency', stream: 'downstream', attributes: { latency: 300 } });
    await sleep(4_000);
    expect([memory.isFenced, nodes.counts.fences]).toEqual([false, 0]);
    expect(outcomes(await asker.evict(eviction))).toEqual({ one: 'evicted' });
    await toxic('/proxies/redis/toxics', {
      type: 'latency',
      name: 'more',
      stream: 'downstream',
      attributes: { latency: 2_000 },
    });
    await until(() => memory.isFenced);
    await toxic('/reset', {});
    await until(() => !memory.isFenced);
    expect(nodes.counts.fences).toBe(1);
  });
});
