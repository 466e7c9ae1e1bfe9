import { randomUUID } from 'node:crypto';
import type { TenantId } from '#lib/core';
import type { Commit, EventStore, Guard } from '#lib/ports';
import { chance } from '../support/chance.js';

/** One of several processes that write the log of one tenant at once. */
export interface Racer {
  readonly tenant: TenantId;
  readonly name: string;
  readonly seed: number;
  /** Appends under way at once, and how many there are in all. */
  readonly lanes: number;
  readonly appends: number;
}

/** What was answered: stored at a sequence, or refused by a conflict. */
export type Answer =
  | { readonly id: string; readonly end: number; readonly waitedMs: number }
  | { readonly refused: string };

const consents = 4;
const moveShare = 0.1;

/** What a guarded event says of itself, so that the log alone tells whether a guard had moved before it. */
export interface Guarded {
  readonly guards: readonly Guard[];
}

/**
 * Writes as a server does: accepts that rely on consents as it last read them, and now and then a consent moves. Reads
 * again what it was refused for. Tells each answer as it comes.
 */
export async function race(store: EventStore, racer: Racer, tell: (answer: Answer) => void): Promise<void> {
  const { tenant, name, seed, lanes, appends } = racer;
  const random = chance(seed);
  const revisions = new Map<string, number>();
  let begun = 0;
  const revisionOf = async (stream: string) => {
    const known = revisions.get(stream) ?? (await store.read(tenant, stream)).length;
    revisions.set(stream, known);
    return known;
  };
  const next = async (lane: number): Promise<Commit> => {
    const consent = `consent-${Math.floor(random() * consents)}`;
    const read = await revisionOf(consent);
    const isMove = random() < moveShare;
    const stream = isMove ? consent : `match-${name}-${lane}`;
    const guards = isMove ? [] : [{ stream: consent, revision: read }];
    const facts = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
      id: randomUUID(),
      type: 'test.raced',
      version: 1,
      data: { guards } satisfies Guarded,
      at: '2026-01-01T00:00:00.000Z',
      actor: name,
    }));
    return { tenant, stream, expected: isMove ? read : await revisionOf(stream), events: facts, guards };
  };
  const run = async (lane: number) => {
    while (begun++ < appends) {
      const commit = await next(lane);
      const begunMs = performance.now();
      try {
        const end = await store.append(commit);
        revisions.set(commit.stream, commit.expected + commit.events.length);
        tell({ id: commit.events.at(-1)?.id ?? '', end, waitedMs: performance.now() - begunMs });
      } catch (error) {
        const { name: refused } = error as Error;
        if (!refused.endsWith('Conflict')) throw error;
        for (const { stream } of [commit, ...(commit.guards ?? [])]) revisions.delete(stream);
        tell({ refused });
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane)));
}
