import type { Connection, mongo } from 'mongoose';
import type { TenantId } from '#lib/core';
import { type Clock, StoreUnavailable } from '#lib/ports';
import { type CommitDocument, commitModel, eventsMax } from './commit-document.js';
import { findHead } from './commit-head.js';
import type { KnownCommit, Question } from './commit-plan.js';
import { MongoCalls } from './mongo-calls.js';

type Filter = mongo.Filter<CommitDocument>;

/** What an ordered insert did: stored all documents, or those before the `stored`-th, which was refused. */
export interface Inserted {
  readonly stored: number;
  readonly refused?: Refused;
}

/** Why a document was refused: another has its key in the named index; or what else the server has against it. */
export type Refused = { readonly duplicateOf: string } | { readonly code: number };

const duplicateKey = 11_000;
const indexName = / index: (\S+) dup key/;
const placeOnly = { _id: 0, stream: 1, base: 1, last: 1, first: 1, end: 1 } as const;
const known = { ...placeOnly, 'events.id': 1 } as const;

/**
 * The collection of commits: every query is an exact key, or a range of one that is bounded at both ends. A write is
 * answered when a majority has it on disk, a read sees what a majority has, whatever the connection is set to.
 * @throws StoreUnavailable from every method when the server does not do its part; an insert may have taken effect then
 */
export class CommitLog {
  private readonly commits: mongo.Collection<CommitDocument>;
  private readonly calls: MongoCalls;

  constructor(connection: Connection, ticks: Clock) {
    this.calls = new MongoCalls(connection, ticks);
    const name = commitModel(connection).collection.collectionName;
    this.commits = this.calls.database.collection(name, {
      readConcern: { level: 'majority' },
      readPreference: 'primary',
    });
  }

  /**
   * Inserts in this order and stops at the first that is refused. As a command of its own, which the driver does not
   * repeat: a repeat is ours to decide on, after reading.
   */
  async insert(documents: readonly CommitDocument[]): Promise<Inserted> {
    const answer = await this.sent({
      insert: this.commits.collectionName,
      documents,
      ordered: true,
      writeConcern: { w: 'majority', j: true },
    });
    if (answer.writeConcernError) throw new StoreUnavailable('no majority has confirmed the commits');
    const [error] = (answer.writeErrors ?? []) as { index: number; code: number; errmsg: string }[];
    if (!error) return { stored: documents.length };
    const { index: stored, code } = error;
    if (code !== duplicateKey) return { stored, refused: { code } };
    return { stored, refused: { duplicateOf: indexName.exec(error.errmsg)?.[1] ?? '' } };
  }

  /** The commits right after a head: one after the other without a gap, beginning in its next `eventsMax` places. */
  async following(tenant: TenantId, head: number): Promise<readonly KnownCommit[]> {
    const found = await this.find(
      { tenant, first: { $gt: head, $lte: head + eventsMax } },
      known,
      { first: 1 },
      eventsMax,
    );
    return gapless(found, head).map(withIds);
  }

  /** The commits that questions ask for, in one round trip; those of an end may come with others of their streams. */
  async commitsAt(tenant: TenantId, questions: readonly Question[]): Promise<readonly KnownCommit[]> {
    const keys = questions.map(({ stream, revision, about }): Filter => {
      const base = about === 'end' ? { $gte: revision - eventsMax, $lt: revision } : revision;
      return { tenant, stream, base };
    });
    return (await this.find({ $or: keys }, known)).map(withIds);
  }

  /** The end of the log, found from a place in it where a commit ends. */
  head(tenant: TenantId, from: number): Promise<number> {
    const window = (after: number) => ({ tenant, first: { $gt: after, $lte: after + eventsMax } });
    return findHead(from, async (after) => (await this.find(window(after), placeOnly, { first: -1 }, 1))[0]?.end);
  }

  /** The commits of each stream, from its first, without a gap, as they were at one moment or later. */
  async streams(tenant: TenantId, streams: readonly string[]): Promise<ReadonlyMap<string, readonly CommitDocument[]>> {
    const grouped = new Map(streams.map((stream): [string, CommitDocument[]] => [stream, []]));
    if (grouped.size === 0) return grouped;
    const names = [...grouped.keys()];
    const wanted = { tenant, stream: names.length === 1 ? (names[0] as string) : { $in: names } };
    // By its order a query says which index it means: the log's begins with the tenant too, and would be read whole.
    for (const commit of await this.find(wanted, { _id: 0 }, { stream: 1, base: 1 })) {
      const before = grouped.get(commit.stream);
      // A scan may pass a place before it is taken and come to the next after that was: the rest is newer than the read.
      if (before && commit.base === (before.at(-1)?.last ?? 0)) before.push(commit);
    }
    return grouped;
  }

  /** The commits that begin in the `limit` places after `after`, as far as one follows the other without a gap. */
  async beginningAfter(tenant: TenantId, after: number, limit: number): Promise<readonly CommitDocument[]> {
    return this.find({ tenant, first: { $gt: after, $lte: after + limit } }, { _id: 0 }, { first: 1 }, limit);
  }

  /** The commit that the place `sequence` lies in. */
  async around(tenant: TenantId, sequence: number): Promise<CommitDocument | undefined> {
    const window = { tenant, first: { $gt: sequence - eventsMax, $lte: sequence } };
    const [commit] = await this.find(window, { _id: 0 }, { first: -1 }, 1);
    return commit && commit.end >= sequence ? commit : undefined;
  }

  async tenants(): Promise<readonly TenantId[]> {
    return (await this.find({ first: 1 }, { _id: 0, tenant: 1 })).map(({ tenant }) => tenant);
  }

  /** The server's own words stay in the cause: they may name what is stored. */
  private async sent(command: object): Promise<mongo.BSON.Document> {
    try {
      return await this.calls.database.command(command);
    } catch (cause) {
      throw new StoreUnavailable(`the event store did not answer: ${(cause as Error).name}`, { cause });
    }
  }

  private find(
    filter: Filter,
    projection: object = { _id: 0 },
    sort?: mongo.Sort,
    limit = 0,
  ): Promise<CommitDocument[]> {
    const options = { projection, limit, batchSize: limit || eventsMax, ...(sort && { sort }) };
    return this.calls.done(() => this.commits.find(filter, options).toArray() as Promise<CommitDocument[]>);
  }
}

/** As far as each begins where the one before it ends. */
export function gapless<C extends { readonly first: number; readonly end: number }>(
  commits: readonly C[],
  head: number,
): readonly C[] {
  const gap = commits.findIndex(({ first }, n) => first !== (commits[n - 1]?.end ?? head) + 1);
  return gap < 0 ? commits : commits.slice(0, gap);
}

const withIds = ({ stream, base, last, first, end, events }: CommitDocument): KnownCommit => {
  return { stream, base, last, first, end, ids: events.map(({ id }) => id) };
};
