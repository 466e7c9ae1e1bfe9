import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Fault, type TenantId } from '#lib/core';
import { type Eviction, Nodes, Random } from '#lib/ports';
import { TemplateVault } from '#lib/templates/contract';

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

  constructor(
    private readonly nodes: Nodes,
    private readonly random: Random,
    private readonly vault: TemplateVault,
  ) {}

  async onModuleInit(): Promise<void> {
    this.leave = await this.nodes.join({
      nodeId: this.random.uuid(),
      evict: async (eviction) => {
        await this.uses.get(placeOf(eviction))?.ended.promise;
        this.vault.forget(eviction.tenant, eviction.templateId);
      },
      holds: async (eviction) =>
        this.uses.has(placeOf(eviction)) || this.vault.remembers(eviction.tenant, eviction.templateId),
      fence: () => {
        this.isFenced = true;
        this.fences += 1;
        this.vault.forgetAll();
      },
      resume: () => {
        this.isFenced = false;
      },
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.leave?.();
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
