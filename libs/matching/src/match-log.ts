import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type Caller, readerOf, type TenantId } from '#lib/core';
import { Clock, EventStore, type Guard, GuardConflict, Random, RevisionConflict, Streams } from '#lib/ports';
import { type Match, MatchDecided, type MatchId, MatchStream, matchKey, matchKeysBetween } from './match.stream.js';

const attemptsMax = 40;
const streamsMax = 20_000;
/** As long as an `Idempotency-Key` is honoured. */
const repeatedMaxMs = 86_400_000;

const read = readerOf(MatchStream.events);

/** A decision as it stands in the log. */
export interface Recorded {
  readonly match: Match;
  readonly position: number;
}

/** What a decision is found again by. */
interface Named {
  readonly matchId: MatchId;
  readonly subjectId: string;
}

/** Where the next decision of a stream goes, given that all that were sent before it are stored. */
interface Tail {
  next: number;
}

/**
 * Appends decisions to the streams of subjects, many at once to the same one: each takes the revision after the one
 * before it, without waiting for that to be stored. The store keeps the order it is given, so all go into one group; if
 * one in front is not stored, those behind it meet a conflict and are sent again.
 */
@Injectable()
export class MatchLog {
  private readonly tails = new LRUCache<string, Promise<Tail>>({ max: streamsMax });

  constructor(
    private readonly store: EventStore,
    private readonly streams: Streams,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /**
   * Stores a decision that was taken at the instant `now`, guarded or not, and answers its place in the log.
   * @throws GuardConflict when what it relied on has moved: decide again
   * @throws StoreUnavailable when it cannot be said whether it was stored
   */
  async record({ tenant, actor }: Caller, match: Match, now: Date, guards: readonly Guard[]): Promise<number> {
    const stream = `${MatchStream.name}-${matchKey(match.subjectId, now)}`;
    const place = `${tenant}/${stream}`;
    const events = [{ ...factOf(match), id: this.random.uuid(), at: now.toISOString(), actor }];
    for (let attempt = 1; ; attempt++) {
      const opening = this.tails.get(place) ?? this.open(place, tenant, stream);
      const tail = await opening;
      const expected = tail.next;
      tail.next += 1;
      try {
        return await this.streams.commit({ tenant, stream, expected, events, guards });
      } catch (error) {
        // The place that was taken stays empty, so what is remembered is wrong from here on.
        if (this.tails.get(place) === opening) this.tails.delete(place);
        const isLost = error instanceof RevisionConflict && !(error instanceof GuardConflict);
        if (!isLost || attempt === attemptsMax) throw error;
      }
    }
  }

  /**
   * As `record`, of a decision that its caller can name again. An attempt that was given up may still be under way when the
   * next one of that name decides, here or in another process: within a month one of them is stored, and both are told it.
   * @throws GuardConflict when what it relied on has moved: decide again
   * @throws StoreUnavailable when it cannot be said whether it was stored
   */
  async recordOnce(caller: Caller, match: Match, now: Date, guards: readonly Guard[]): Promise<Recorded> {
    const { tenant, actor } = caller;
    const stream = `${MatchStream.name}-${matchKey(match.subjectId, now)}`;
    const events = [{ ...factOf(match), id: this.random.uuid(), at: now.toISOString(), actor }];
    for (let attempt = 1; ; attempt++) {
      const { found, revisions } = await this.look(tenant, match);
      if (found) return found;
      const expected = revisions.get(stream) ?? 0;
      try {
        return { match, position: await this.streams.commit({ tenant, stream, expected, events, guards }) };
      } catch (error) {
        const isLost = error instanceof RevisionConflict && !(error instanceof GuardConflict);
        if (!isLost || attempt === attemptsMax) throw error;
      } finally {
        // It went past the tail, which is wrong now.
        this.tails.delete(`${tenant}/${stream}`);
      }
    }
  }

  /** The decision of that name that a caller of the last day may not have been told; not one that it was unavailable. */
  async find(tenant: TenantId, named: Named): Promise<Recorded | undefined> {
    return (await this.look(tenant, named)).found;
  }

  /** The same, and the revisions of the streams it was looked for in. */
  private async look(tenant: TenantId, { matchId, subjectId }: Named) {
    const now = this.clock.now();
    const keys = matchKeysBetween(subjectId, new Date(now.getTime() - repeatedMaxMs), now);
    const names = keys.map((key) => `${MatchStream.name}-${key}`);
    const months = await this.store.readMany(tenant, names);
    const revisions = new Map(names.map((name, n) => [name, months[n]?.length ?? 0]));
    let found: Recorded | undefined;
    for (const stored of months.flat()) {
      const { data: match } = read(stored) ?? {};
      if (match?.matchId !== matchId || match.decision === 'unavailable') continue;
      found = { match, position: stored.sequence };
      break;
    }
    return { found, revisions };
  }

  private open(place: string, tenant: TenantId, stream: string): Promise<Tail> {
    const opening = this.store.read(tenant, stream).then((events) => ({ next: events.length }));
    this.tails.set(place, opening);
    opening.catch(() => this.tails.delete(place));
    return opening;
  }
}

/** A match is made of what was parsed on its way in: to parse it once more, as making a fact does, shows on the hot path. */
const factOf = (data: Match) => ({ type: MatchDecided.type, version: MatchDecided.version, data });
