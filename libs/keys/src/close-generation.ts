import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Caller, EventOf } from '#lib/core';
import { KeyService, KeyTable, StaleGeneration, Streams } from '#lib/ports';
import {
  GenerationClosed,
  type GenerationHistory,
  GenerationStream,
  generationsId,
  lastClosed,
} from './generation.stream.js';

const pageMax = 500;
const passesMax = 20;

/** How far a closing has come: entries wrapped anew, of about so many. */
export interface ClosingProgress {
  readonly done: number;
  readonly total: number;
}

export interface ClosedGeneration {
  /** The generation that was closed, and with it all before it. */
  readonly generation: number;
  /** Living keys that were wrapped anew. */
  readonly rewrapped: number;
  /** Entries that no key opened any more: removed. */
  readonly noise: number;
  /** The log position that shows it. */
  readonly position: number;
}

/**
 * Makes noise of every copy of every key that was erased before: wraps the living ones under the next generation and
 * destroys the key of all generations before it, for ever (KEY-1, KEY-3). Keys made meanwhile stay good.
 */
export class CloseGeneration extends Command<ClosedGeneration> {
  constructor(
    readonly caller: Caller,
    readonly progress: (progress: ClosingProgress) => void = () => undefined,
  ) {
    super();
  }
}

/** A generation is closed once; whoever comes to it later records nothing. */
export const closeGeneration = (
  history: GenerationHistory,
  closed: Pick<ClosedGeneration, 'generation' | 'rewrapped'>,
): EventOf<typeof GenerationClosed>[] => (lastClosed(history) >= closed.generation ? [] : [GenerationClosed(closed)]);

/** May stop anywhere: the next one goes on from what the key service and the table say, and then closes once more. */
@CommandHandler(CloseGeneration)
export class CloseGenerationHandler implements ICommandHandler<CloseGeneration> {
  constructor(
    private readonly keys: KeyService,
    private readonly table: KeyTable,
    private readonly streams: Streams,
  ) {}

  /**
   * One that stopped half-way is finished first. It does not count for this one: what was erased since it opened its
   * generation may be wrapped under that.
   */
  async execute(command: CloseGeneration): Promise<ClosedGeneration> {
    const { tenant } = command.caller;
    const generations = await this.keys.generations(tenant);
    const open = generations.at(-1) ?? 1;
    const { state: history } = await this.streams.load(tenant, GenerationStream, generationsId);
    if (generations.length > 1 || lastClosed(history) < open - 1) await this.finish(command, open);
    return this.finish(command, await this.keys.openGeneration(tenant));
  }

  /** Every step may be done again, and the key of older generations goes only when nothing needs it. */
  private async finish({ caller, progress }: CloseGeneration, open: number): Promise<ClosedGeneration> {
    const { tenant } = caller;
    // From here on whoever wraps a new key under an older generation is told to wrap it again.
    await this.table.raiseFloor(tenant, open);
    const { rewrapped, noise } = await this.rewrapBelow(caller, open, progress);
    await this.keys.destroyGenerations(tenant, open);
    const closed = { generation: open - 1, rewrapped };
    const { position } = await this.streams.change(caller, GenerationStream, generationsId, (history) =>
      closeGeneration(history, closed),
    );
    return { ...closed, noise, position };
  }

  /** Until a pass finds nothing: a page that another closing overtook is found again. */
  private async rewrapBelow({ tenant }: Caller, open: number, progress: CloseGeneration['progress']) {
    const total = await this.table.count(tenant);
    const sum = { rewrapped: 0, noise: 0 };
    for (let pass = 1; pass <= passesMax; pass++) {
      let after = '';
      for (let pages = 0; ; pages++) {
        const page = await this.table.below(tenant, open, after, pageMax);
        const last = page.at(-1);
        if (!last && pages === 0) return sum;
        if (!last) break;
        const { rewrapped, noise } = await this.rewrapPage(tenant, page);
        sum.rewrapped += rewrapped;
        sum.noise += noise;
        progress({ done: Math.min(sum.rewrapped + sum.noise, total), total });
        after = last.keyId;
      }
    }
    throw new StaleGeneration(`generation ${open} of ${tenant} is overtaken again and again`);
  }

  private async rewrapPage(tenant: Caller['tenant'], page: Awaited<ReturnType<KeyTable['below']>>) {
    const entries = await Promise.all(page.map((entry) => this.keys.rewrap(tenant, entry)));
    const fresh = entries.filter((entry) => entry !== undefined);
    try {
      await this.table.replace(tenant, fresh);
    } catch (error) {
      // Another closing went further meanwhile. The next pass wraps what is left under what is open then.
      if (error instanceof StaleGeneration) return { rewrapped: 0, noise: 0 };
      throw error;
    }
    const dead = page.filter((_, n) => !entries[n]);
    const noise = (await Promise.all(dead.map((entry) => this.isNoise(tenant, entry)))).filter((is) => is);
    return { rewrapped: fresh.length, noise: noise.length };
  }

  /** Removes an entry that nothing opens, if it still stands as it was read: another closing may have saved the key. */
  private async isNoise(tenant: Caller['tenant'], { keyId, generation }: { keyId: string; generation: number }) {
    const entry = await this.table.get(tenant, keyId);
    if (entry?.generation !== generation) return false;
    await this.table.erase(tenant, [keyId]);
    return true;
  }
}
