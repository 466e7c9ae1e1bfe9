import { z } from 'zod';
import { defineEvent, defineStream, type EventOf } from '#lib/core';

const Generation = z.int().min(1).max(1_000_000_000);

/** Every living key was wrapped anew and the generation's key destroyed: older copies of its wrappings are noise. */
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

/** When each generation was closed, the latest last; the open one is one above the last. */
export interface Generations {
  readonly closed: readonly { readonly generation: number; readonly at: string }[];
}

/** The tenant's key generations: one stream, whose id is `all`. */
export const GenerationStream = defineStream({
  name: 'generation',
  events: [GenerationClosed, TenantKeyRotated],
  initial: { closed: [] } as Generations,
  evolve: (
    before,
    { type, data }: EventOf<typeof GenerationClosed> | EventOf<typeof TenantKeyRotated>,
    at,
  ): Generations =>
    type === 'keys.generation-closed' ? { closed: [...before.closed, { generation: data.generation, at }] } : before,
});

export const generationsId = 'all';

/** When every copy of a key wrapped under `generation` became noise; undefined while that generation is open. */
export const effectiveErasureAt = ({ closed }: Generations, generation: number): string | undefined =>
  closed.find((each) => each.generation >= generation)?.at;
