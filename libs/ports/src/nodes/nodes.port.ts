import type { TenantId } from '#lib/core';

/** A template that must leave the memory of every node. */
export interface Eviction {
  readonly tenant: TenantId;
  readonly templateId: string;
}

/** A node that may hold templates or keys in memory. */
export interface Matcher {
  readonly nodeId: string;
  /** Resolves once nothing of the template is left in this node's memory. May be called again. */
  evict(eviction: Eviction): Promise<void>;
  /** Whether anything of it is held: asked by the prober, so it looks, and does not recall. */
  holds(eviction: Eviction): Promise<boolean>;
  /**
   * Its lease is about to end and could not be renewed: when this returns it holds nothing any more, and it accepts and
   * keeps nothing until `resume`. May be called again.
   */
  fence(): void;
  /** It has a lease: at its joining, and again after it was fenced. May be called again. */
  resume(): void;
}

/** How one node answered. A node whose lease lapsed has fenced itself: it accepts nothing and holds nothing. */
export interface Acknowledgement {
  readonly nodeId: string;
  readonly outcome: 'evicted' | 'fenced' | 'silent';
}

/** Which matchers live, and what they acknowledged. */
export abstract class Nodes {
  /** A matcher begins its life, fenced until it is told to `resume`; the answer fences it and ends its life. */
  abstract join(matcher: Matcher): Promise<() => Promise<void>>;

  /** Ids of the nodes that live. */
  abstract live(): Promise<readonly string[]>;

  /** Asks every live node to evict; answers how each did, within 5 s. `silent` is no acknowledgement: ask again. */
  abstract evict(eviction: Eviction): Promise<readonly Acknowledgement[]>;

  /** Ids of live nodes that still hold it. */
  abstract holding(eviction: Eviction): Promise<readonly string[]>;
}
