import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Fault, type TenantId } from '#lib/core';
import { type Eviction, Nodes, Random } from '#lib/ports';
import { TemplateVault } from '#lib/templates/contract';

/** Where a node holds something of templates between two comparisons of them. */
export interface NodeMemory {
  /** Overwrites what it holds of the template before it returns. */
  forget(tenant: TenantId, templateId: string): void;
  remembers(tenant: TenantId, templateId: string): boolean;
  /** Overwrites everything before it returns. */
  forgetAll(): void;
}

interface Use {
  count: number;
  readonly ended: PromiseWithResolvers<void>;
}

/** This process has no lease on what it remembers, or lost it meanwhile: nothing is to be decided on what it compared. */
export class NodeFenced extends Fault {
  override readonly name = 'NodeFenced';
}

/**
 * This process among those that compare faces. It opens a template for one comparison and overwrites it, and remembers for
 * a while how it was sealed: an eviction is acknowledged once no comparison of it goes on and that is forgotten. Fenced, it
 * remembers nothing and compares nothing.
 */
@Injectable()
export class MatcherNode implements OnModuleInit, OnApplicationShutdown {
  private leave: (() => Promise<void>) | undefined;
  private isFenced = true;
  /** How often it was fenced: a comparison that began before a fence ends as one that never was, even after `resume`. */
  private fences = 0;
  private readonly uses = new Map<string, Use>();
  private readonly memories: NodeMemory[];

  constructor(
    private readonly nodes: Nodes,
    private readonly random: Random,
    vault: TemplateVault,
  ) {
    this.memories = [vault];
  }

  /** From now on this too is evicted from, probed and fenced. What it takes of a template it takes while `using` it. */
  add(memory: NodeMemory): void {
    this.memories.push(memory);
  }

  async onModuleInit(): Promise<void> {
    this.leave = await this.nodes.join({
      nodeId: this.random.uuid(),
      evict: async (eviction) => {
        const { tenant, templateId } = eviction;
        await this.uses.get(placeOf(eviction))?.ended.promise;
        for (const memory of this.memories) memory.forget(tenant, templateId);
      },
      holds: async (eviction) => {
        const { tenant, templateId } = eviction;
        return this.uses.has(placeOf(eviction)) || this.memories.some((memory) => memory.remembers(tenant, templateId));
      },
      fence: () => {
        this.isFenced = true;
        this.fences += 1;
        for (const memory of this.memories) memory.forgetAll();
      },
      resume: () => {
        this.isFenced = false;
      },
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.leave?.();
  }

  /** Whether nothing may be compared here now, and so nothing be taken into memory. */
  get fenced(): boolean {
    return this.isFenced;
  }

  /**
   * Runs `work`, which has the template open and overwrites it before it ends.
   * @throws NodeFenced when it has no lease, or was without one at any moment of the work: what came of it does not count
   */
  async using<T>(tenant: TenantId, templateId: string, work: () => Promise<T>): Promise<T> {
    if (this.isFenced) throw new NodeFenced();
    const { fences } = this;
    const place = placeOf({ tenant, templateId });
    const use = this.uses.get(place) ?? { count: 0, ended: Promise.withResolvers<void>() };
    this.uses.set(place, use);
    use.count += 1;
    try {
      const answer = await work();
      if (fences !== this.fences) throw new NodeFenced();
      return answer;
    } finally {
      use.count -= 1;
      if (use.count === 0) {
        this.uses.delete(place);
        use.ended.resolve();
      }
    }
  }
}

const placeOf = ({ tenant, templateId }: Eviction) => `${tenant}/${templateId}`;
