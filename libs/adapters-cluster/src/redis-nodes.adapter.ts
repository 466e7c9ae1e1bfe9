import { Logger } from '@nestjs/common';
import { Fault } from '#lib/core';
import { type Acknowledgement, type Clock, type Eviction, type Matcher, Nodes, type Random } from '#lib/ports';
import type { RedisPlace } from './cluster-settings.js';
import { type Asked, RedisCalls, type Says } from './redis-calls.js';
import { connected, openPatientRedis, openRedis } from './redis-connection.js';
import { type LeaseCounts, RedisLease } from './redis-lease.js';
import { type Look, RedisRegistry, type Seen } from './redis-registry.js';

const leaseMs = 3_000;
const answerMaxMs = 5_000;

/** Stands for the nodes that nobody can name, because the registry of them is out of reach or too new. */
const unknownNodes = 'registry';

export interface RedisNodesParts {
  readonly redis: RedisPlace;
  readonly ticks: Clock;
  readonly random: Random;
}

/** Redis is out of reach, or a matcher of this process has no lease there. */
export class NodesUnavailable extends Fault {
  override readonly name = 'NodesUnavailable';
}

type Said = Says | 'fenced' | 'silent';

/**
 * The matchers of all processes, with leases of 3 s in Redis. One that cannot renew fences itself before its lease ends,
 * so a lease that was not renewed for its whole length is as good as an acknowledgement. What accepts cannot rest on this
 * alone: an accept also guards the streams it was decided on.
 *
 * A registry that is empty may have been emptied. It is believed when it has been there for one lease: till then every node
 * that lives has joined it, or has fenced itself. `evict`, `holding` and `live` wait for that, 3 s at most.
 */
export class RedisNodes extends Nodes {
  readonly counts: LeaseCounts = { joins: 0, renewalsMissed: 0, fences: 0 };
  private readonly log = new Logger(RedisNodes.name);
  private readonly saying;
  private readonly hearing;
  private readonly registry: RedisRegistry;
  private readonly calls: RedisCalls;
  private readonly leases = new Map<string, RedisLease>();
  private lastSeen: readonly string[] = [];

  private constructor(private readonly parts: RedisNodesParts) {
    super();
    const { redis, ticks, random } = parts;
    this.saying = openRedis(redis, 'nodes');
    this.hearing = openPatientRedis(redis, 'nodes-calls');
    this.registry = new RedisRegistry(this.saying, redis.prefix, leaseMs);
    const { saying, hearing } = this;
    this.calls = new RedisCalls({ saying, hearing, prefix: redis.prefix, ticks, random });
  }

  /** Waits a second at most for Redis. */
  static async open(parts: RedisNodesParts): Promise<RedisNodes> {
    const nodes = new RedisNodes(parts);
    await connected(nodes.saying, parts.ticks);
    return nodes;
  }

  /** Where Redis is out of reach the matcher stays fenced until it is there. */
  async join(matcher: Matcher): Promise<() => Promise<void>> {
    const { nodeId } = matcher;
    if (this.leases.has(nodeId)) throw new Error(`there are two nodes named ${nodeId}`);
    const lease = new RedisLease(matcher, this.registry, { leaseMs, ticks: this.parts.ticks }, this.counts);
    this.leases.set(nodeId, lease);
    this.calls.answerFor(nodeId, async (ask, eviction) => {
      if (ask === 'holds') return matcher.holds(eviction);
      await matcher.evict(eviction);
      return true;
    });
    await lease.begin();
    return async () => {
      if (this.leases.get(nodeId) !== lease) return;
      this.leases.delete(nodeId);
      await lease.end();
      this.calls.answerNoMore(nodeId);
    };
  }

  /** @throws NodesUnavailable when Redis is out of reach */
  async live(): Promise<readonly string[]> {
    try {
      const { nodes } = await this.believed();
      return nodes.flatMap(({ nodeId, isLive }) => (isLive ? [nodeId] : []));
    } catch {
      throw new NodesUnavailable();
    }
  }

  /** Never throws: where Redis is out of reach, those who were last seen are silent, and the registry with them. */
  async evict(eviction: Eviction): Promise<readonly Acknowledgement[]> {
    const outcomes = { yes: 'evicted', no: 'silent', failed: 'silent', fenced: 'fenced', silent: 'silent' } as const;
    const said = await this.askAll('evict', eviction);
    return [...said].map(([nodeId, says]) => ({ nodeId, outcome: outcomes[says] }));
  }

  /** A node that does not say holds it, as far as anybody knows; so does the registry that cannot be read. */
  async holding(eviction: Eviction): Promise<readonly string[]> {
    const said = await this.askAll('holds', eviction);
    return [...said].flatMap(([nodeId, says]) => (says === 'no' || says === 'fenced' ? [] : [nodeId]));
  }

  /** @throws NodesUnavailable within a second when Redis is out of reach, or a matcher of this process has no lease */
  async check(): Promise<void> {
    const isHeld = [...this.leases.values()].every((lease) => lease.isHeld);
    const look = isHeld && (await this.registry.look().catch(() => undefined));
    if (!look) throw new NodesUnavailable();
  }

  async close(): Promise<void> {
    await Promise.all([...this.leases.values()].map((lease) => lease.end()));
    this.leases.clear();
    for (const redis of [this.saying, this.hearing]) redis.disconnect();
  }

  private async askAll(ask: Asked, eviction: Eviction): Promise<ReadonlyMap<string, Said>> {
    const over = new AbortController();
    const late = this.parts.ticks.sleep(answerMaxMs, over.signal).then((): Said => 'silent');
    const asked = new Map<string, Promise<Said>>();
    const askThese = ({ mark, nodes }: Look) => {
      for (const seen of nodes) {
        if (asked.has(seen.nodeId)) continue;
        const answered = this.calls.ask(seen.nodeId, ask, eviction, over.signal);
        asked.set(seen.nodeId, Promise.race([answered, this.lapsed(mark, seen, late, over.signal), late]));
      }
    };
    try {
      await this.believed(askThese);
      return new Map(await Promise.all([...asked].map(async ([nodeId, said]) => [nodeId, await said] as const)));
    } catch (error) {
      this.log.warn(`the nodes cannot be asked: ${(error as Error)?.name}`);
      const known = new Set([...this.lastSeen, ...asked.keys(), unknownNodes]);
      return new Map([...known].map((nodeId) => [nodeId, 'silent'] as const));
    } finally {
      over.abort();
    }
  }

  /** `fenced` once its lease is proven to have ended; otherwise what `late` says, when it does. */
  private async lapsed(mark: string, seen: Seen, late: Promise<Said>, signal: AbortSignal): Promise<Said> {
    await this.parts.ticks.sleep(leaseMs, signal);
    const isOver = !signal.aborted && (await this.registry.lapse(mark, seen).catch(() => false));
    return isOver ? 'fenced' : late;
  }

  /** The registry once it is to be believed. Each look at it is handed over at once: who is there need not wait. */
  private async believed(looked: (look: Look) => void = () => undefined): Promise<Look> {
    const look = await this.look();
    looked(look);
    if (look.youngForMs === 0) return look;
    await this.parts.ticks.sleep(look.youngForMs);
    const later = await this.look();
    looked(later);
    // Emptied once more meanwhile.
    if (later.mark !== look.mark) throw new NodesUnavailable();
    return later;
  }

  private async look(): Promise<Look> {
    const look = await this.registry.look();
    this.lastSeen = look.nodes.map(({ nodeId }) => nodeId);
    return look;
  }
}
