import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#lib/core';
import { MatchStream, matchKeysBetween } from '#lib/matching/contract';
import type { PurposeId } from '#lib/policy/contract';
import { type Loaded, type Reading, reading, Streams } from '#lib/ports';

/** Months read at once, after the newest one, in which it nearly always is. */
const monthsAtOnce = 6;

/** The last accepting comparison, and what was read to know it. */
export interface LastAccept {
  readonly at: string | undefined;
  /** The months that were read, newest first: whoever relies on the answer guards these. */
  readonly readings: readonly Reading[];
  readonly loaded: readonly Loaded<unknown>[];
}

/** Finds when a comparison last accepted, from the streams: newest month first, and no further back than it matters. */
@Injectable()
export class LastAccepts {
  constructor(private readonly streams: Streams) {}

  async between(
    tenant: TenantId,
    subjectId: SubjectId,
    purposeId: PurposeId,
    from: Date,
    to: Date,
  ): Promise<LastAccept> {
    const months = matchKeysBetween(subjectId, from, to).map((key) => reading(MatchStream, key));
    const loaded: Loaded<unknown>[] = [];
    while (loaded.length < months.length) {
      const part = months.slice(loaded.length, loaded.length + (loaded.length === 0 ? 1 : monthsAtOnce));
      const read = await this.streams.loadMany(tenant, part);
      loaded.push(...read);
      const at = read.flatMap(({ state }) => state.acceptedAt[purposeId] ?? [])[0];
      if (at) return { at, readings: months.slice(0, loaded.length), loaded };
    }
    return { at: undefined, readings: months, loaded };
  }
}
