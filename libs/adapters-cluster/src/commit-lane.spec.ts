import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { TenantId } from '#lib/core';
import { Clock, type Commit, GuardConflict, RevisionConflict, StoreUnavailable } from '#lib/ports';
import { chance } from '../../../test/support/chance.js';
import { type CommitDocument, eventsMax } from './commit-document.js';
import { findHead } from './commit-head.js';
import { CommitLane, type LaneSetting } from './commit-lane.js';
import type { Inserted } from './commit-log.js';
import { CommitMemory } from './commit-memory.js';
import type { KnownCommit, Question } from './commit-plan.js';
import { PendingCommit } from './pending-commit.js';

const tenant = TenantId.parse('here');
const streams = ['a', 'b', 'c'];

class NoWaiting extends Clock {
  now(): Date {
    return new Date(0);
  }

  async sleep(): Promise<void> {
    await setImmediate();
  }
}

/**
 * What a server promises, and nothing more: documents of an insert go in one after the other, others' between them; two
 * indexes are unique; each key of a query is looked up at a moment of its own. Inserts fail before, after, and come late.
 */
class Server {
  readonly documents: CommitDocument[] = [];
  readonly late: Promise<unknown>[] = [];

  constructor(
    private readonly random: () => number,
    private readonly faultShare: number,
  ) {}

  async insert(documents: readonly CommitDocument[]): Promise<Inserted> {
    const fate = this.random() / this.faultShare;
    if (fate < 0.3) throw new StoreUnavailable('not stored');
    const inserted = this.pause(fate < 0.6 ? 20 : 2).then(() => this.insertNow(documents));
    if (fate < 0.6) {
      this.late.push(inserted);
      throw new StoreUnavailable('stored later');
    }
    const answer = await inserted;
    if (fate < 1) throw new StoreUnavailable('stored, and the answer lost');
    return answer;
  }

  async following(_: TenantId, head: number): Promise<readonly KnownCommit[]> {
    await this.pause();
    const found = this.documents.filter(({ first }) => first > head && first <= head + eventsMax);
    return found.sort((a, b) => a.first - b.first).map(known);
  }

  async commitsAt(_: TenantId, questions: readonly Question[]): Promise<readonly KnownCommit[]> {
    const found: CommitDocument[] = [];
    for (const { stream, revision, about } of questions) {
      await this.pause();
      const isAsked = (commit: CommitDocument) => (about === 'end' ? commit.last : commit.base) === revision;
      found.push(...this.documents.filter((commit) => commit.stream === stream && isAsked(commit)));
    }
    return found.map(known);
  }

  head(_: TenantId, from: number): Promise<number> {
    return findHead(from, async (after) => (await this.following(tenant, after)).at(-1)?.end);
  }

  private async insertNow(documents: readonly CommitDocument[]): Promise<Inserted> {
    for (const [stored, document] of documents.entries()) {
      if (this.documents.some(({ stream, base }) => stream === document.stream && base === document.base)) {
        return { stored, refused: { duplicateOf: 'stream' } };
      }
      if (this.documents.some(({ first }) => first === document.first)) {
        return { stored, refused: { duplicateOf: 'log' } };
      }
      this.documents.push(document);
      await this.pause();
    }
    await this.pause();
    return { stored: documents.length };
  }

  private async pause(turnsMax = 2): Promise<void> {
    for (let turns = this.random() * turnsMax; turns > 1; turns--) await setImmediate();
  }
}

const known = ({ events, ...place }: CommitDocument): KnownCommit => ({ ...place, ids: events.map(({ id }) => id) });

/** Three processes write at once, each two commits at a time; who is not answered asks again, the same. */
async function raced(seed: number, faultShare: number) {
  const random = chance(seed);
  const server = new Server(random, faultShare);
  const outcomes = new Map<string, { commit: Commit; answer: number | RevisionConflict }>();
  let made = 0;

  const writer = async (lane: CommitLane) => {
    for (let n = 0; n < 6; n++) {
      const commit = randomCommit(`commit-${++made}`, random, server);
      const answer = await answered(lane, commit, random);
      outcomes.set(commit.events[0]?.id ?? '', { commit, answer });
    }
  };
  const processes = [1, 2, 3].map(() => {
    const counts = { conflictRetries: 0, batches: 0, unknownOutcomes: 0 };
    const [memory, ticks] = [new CommitMemory(), new NoWaiting()];
    const setting: LaneSetting = { log: server, memory, ticks, counts, stored: () => undefined, idle: () => undefined };
    const lane = new CommitLane(tenant, setting);
    return Promise.all([writer(lane), writer(lane)]);
  });
  await Promise.all(processes);
  await Promise.all(server.late);
  return { log: server.documents.sort((a, b) => a.first - b.first), outcomes };
}

/** Decided on what the streams say now, or said a moment ago. */
function randomCommit(id: string, random: () => number, { documents }: Server): Commit {
  const revisionOf = (name: string) => {
    const last = documents.filter(({ stream }) => stream === name).reduce((max, each) => Math.max(max, each.last), 0);
    return random() < 0.1 ? Math.max(0, last - 1) : last;
  };
  const pick = () => streams[Math.floor(random() * streams.length)] ?? '';
  const [stream, guard] = [random() < 0.5 ? id : pick(), pick()];
  const events = Array.from({ length: 1 + Math.floor(random() * 2) }, (_, n) => ({
    id: `${id}.${n}`,
    type: 'test.raced',
    version: 1,
    data: {},
    at: '2026-01-01T00:00:00.000Z',
    actor: 'tester',
  }));
  const guards = guard === stream || random() < 0.3 ? [] : [{ stream: guard, revision: revisionOf(guard) }];
  return { tenant, stream, expected: revisionOf(stream), events, guards };
}

async function answered(lane: CommitLane, commit: Commit, random: () => number): Promise<number | RevisionConflict> {
  for (;;) {
    const answer = await new Promise<number | Error>((resolve) => {
      const pending = new PendingCommit(commit, 0, resolve);
      lane.add(pending);
      if (random() < 0.2) void giveUp(pending, random() * 20);
    });
    if (typeof answer === 'number' || answer instanceof RevisionConflict) return answer;
    if (!(answer instanceof StoreUnavailable)) throw answer;
  }
}

async function giveUp(pending: PendingCommit, turns: number): Promise<void> {
  for (let left = turns; left > 0; left--) await setImmediate();
  pending.answer(new StoreUnavailable('too late'));
}

const runs = [
  ['that keeps its promises', 0.0001],
  ['that often fails', 0.4],
] as const;

describe.each(runs)('lanes of several processes over a server %s', (_, faultShare) => {
  it('make one log without a gap, in which each commit stands as it was answered and no guard had moved', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { log, outcomes } = await raced(seed, faultShare);
        const revisions = new Map<string, number>();
        let end = 0;
        const places = new Map<string, number>();
        for (const commit of log) {
          const id = commit.events[0]?.id ?? '';
          const { guards = [] } = outcomes.get(id)?.commit ?? {};
          expect([commit.first, commit.base]).toEqual([end + 1, revisions.get(commit.stream) ?? 0]);
          expect(guards.filter(({ stream, revision }) => (revisions.get(stream) ?? 0) !== revision)).toEqual([]);
          ({ end } = commit);
          revisions.set(commit.stream, commit.last);
          places.set(id, commit.end);
        }
        const told = [...outcomes].map(([id, { answer }]) => [id, typeof answer === 'number' ? answer : undefined]);
        expect(told.map(([id]) => [id, places.get(String(id))])).toEqual(told);
        expect(places.size).toBeLessThanOrEqual(outcomes.size);
        expect(outcomes.size).toBe(36);
      }),
      { numRuns: 30 },
    );
  }, 180_000);
});

it('refuses for reasons of both kinds', async () => {
  const answers = [...(await raced(1, 0.4)).outcomes.values()].map(({ answer }) => answer.constructor);
  expect(new Set(answers)).toEqual(new Set([Number, RevisionConflict, GuardConflict]));
});
