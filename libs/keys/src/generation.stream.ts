import { z } from 'zod';
import { defineEvent, defineStream, type EventOf } from '#lib/core';

const Generation = z.int().min(1).max(1_000_000_000);

/**
 * Every living key was wrapped anew, and the keys of this generation and all before it destroyed: older copies of their
 * wrappings are noise. `rewrapped` counts what the attempt that finished it did; an interrupted one left it less to do.
 */
export const GenerationClosed = defineEvent({
  type: 'keys.generation-closed',
  version: 1,
  data: z.strictObject({ generation: Generation, rewrapped: z.int().min(0).max(1_000_000_000) }),
});

/** A new version of the tenant's key began. */
export const TenantKeyRotated = defineEvent({
  type: 'keys.tenant-key-rotated',
  version: 1,
  data: z.strictObject({ keyVersion: z.int().min(1).max(1_000_000_000) }),
});

/** When each generation was closed, the latest last; the open one is above the last. */
export interface GenerationHistory {
  readonly closed: readonly { readonly generation: number; readonly at: string }[];
}

/** The tenant's key generations: one stream, whose id is `all`. */
export const GenerationStream = defineStream({
  name: 'generation',
  events: [GenerationClosed, TenantKeyRotated],
  initial: { closed: [] } as GenerationHistory,
  evolve: (
    before,
    { type, data }: EventOf<typeof GenerationClosed> | EventOf<typeof TenantKeyRotated>,
    at,
  ): GenerationHistory =>
    type === 'keys.generation-closed' ? { closed: [...before.closed, { generation: data.generation, at }] } : before,
});

export const generationsId = 'all';

/** When every copy of a key wrapped under `generation` became noise; undefined while that generation is open. */
export const effectiveErasureAt = ({ closed }: GenerationHistory, generation: number): string | undefined =>
  closed.find((each) => each.generation >= generation)?.at;

/** The last generation that is closed; 0 for none. */
export const lastClosed = ({ closed }: GenerationHistory): number => closed.at(-1)?.generation ?? 0;

/** How long a generation is open at most, so long after an erasure all copies of the erased keys are noise (24 h). */
export const generationMaxMs = 24 * 60 * 60 * 1_000;

/** When the open generation is to be closed. It began when the last one was closed, or at the tenant's first event. */
export const generationDueAt = ({ closed }: GenerationHistory, firstEventAt: string): Date =>
  new Date(Date.parse(closed.at(-1)?.at ?? firstEventAt) + generationMaxMs);
