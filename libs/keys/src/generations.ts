import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ActorId, type Caller, operator, type TenantId } from '#lib/core';
import { EventStore, KeyService, Streams } from '#lib/ports';
import { type ClosedGeneration, CloseGeneration, type ClosingProgress } from './close-generation.js';
import { effectiveErasureAt, GenerationStream, generationDueAt, generationsId } from './generation.stream.js';

const sweeper = ActorId.parse('sweeper');

/** A tenant's key generations: how long copies of an erased key can matter. */
@Injectable()
export class Generations {
  constructor(
    private readonly keys: KeyService,
    private readonly streams: Streams,
    private readonly store: EventStore,
    private readonly commands: CommandBus,
  ) {}

  /** The generation that new wrappings are made under: when it is closed, copies of what was erased before are noise. */
  async openGeneration(tenant: TenantId): Promise<number> {
    return (await this.keys.generations(tenant)).at(-1) ?? 1;
  }

  /** When every copy of what was erased in `generation` became noise; undefined while that generation is open. */
  async effectiveErasureAt(tenant: TenantId, generation: number): Promise<string | undefined> {
    const { state: history } = await this.streams.load(tenant, GenerationStream, generationsId);
    return effectiveErasureAt(history, generation);
  }

  /** As `CloseGeneration`: at once, whether due or not. */
  close(caller: Caller, progress?: (progress: ClosingProgress) => void): Promise<ClosedGeneration> {
    return this.commands.execute(new CloseGeneration(caller, progress));
  }

  /**
   * Closes the open generation if it is due, or finishes a closing that stopped half-way; undefined for neither.
   * Where nothing was recorded since the last closing nothing was erased either, as an erasure always leaves a fact
   * after it destroyed the key. Then nothing is closed: an idle hospital's log does not grow.
   */
  async closeIfDue(tenant: TenantId, now: Date): Promise<ClosedGeneration | undefined> {
    if (tenant === operator) return undefined;
    const [first] = await this.store.readLog(tenant, 0, 1);
    if (!first) return undefined;
    const { state: history, position } = await this.streams.load(tenant, GenerationStream, generationsId);
    const isIdle = history.closed.length > 0 && position === (await this.store.head(tenant));
    const isDue = !isIdle && generationDueAt(history, first.at) <= now;
    const isHalfWay = (await this.keys.generations(tenant)).length > 1;
    return isDue || isHalfWay ? this.close({ tenant, actor: sweeper }) : undefined;
  }
}
