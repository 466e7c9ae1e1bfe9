import mongoose, { type mongo } from 'mongoose';
import type { TenantId } from '#lib/core';
import { type KeyEntry, StaleGeneration } from '#lib/ports';
import { Batches } from './batches.js';
import { duplicatesIn, isDuplicate, type MongoCalls } from './mongo-calls.js';

/** How many entries are put together, so that each call ends in time. */
const batchMax = 500;

export interface StoredKey {
  /** Tenant and key id with a slash between: in the order of key ids. */
  readonly _id: string;
  readonly tenant: string;
  /** That of the entry; below zero (-3 for 3) as long as it is only announced. */
  readonly generation: number;
  readonly wrapped: mongo.Binary;
  /** Names the attempt that announced it: what was done by this one, and no other, is then told apart. */
  readonly announced: mongo.ObjectId;
}

export interface StoredFloor {
  /** The tenant. */
  readonly _id: string;
  readonly floor: number;
}

interface Put {
  readonly entry: KeyEntry;
  /** Names of its attempts to announce it. */
  readonly attempts: mongo.ObjectId[];
}

type Session = mongo.ClientSession;

/**
 * How entries come into the table of a MongoDB, against a floor that rises meanwhile.
 *
 * No entry may come in below the floor that a page taken after raising it did not show; and without transactions floor
 * and entry cannot be changed together. So an entry is first *announced*: it takes its id, and nobody sees it. Then the
 * floor is read. Then the entry is *confirmed*, if what this attempt announced is still there. Raising the floor writes
 * the floor, then removes whatever is announced below it, then answers. An announcement that this removal met is not
 * confirmed by anybody: its put finds nothing to confirm and throws StaleGeneration. One that came later was stored after
 * the floor, so the reading of the floor that follows it shows the floor, and it is taken back. One that was confirmed
 * before the removal was there when raising answered, so every page shows it. There is no fourth case: attempts have
 * names, so one that comes late, long after it was given up, announces something that nobody confirms any more; and
 * announcement and reading share a session, so that the reading is of a server that knows of the announcement.
 *
 * What a crash left announced opens nothing for anybody, does not hinder a closing, and is removed with the next raising.
 * Another maker who meets it confirms it for whoever announced it, after reading the floor: the first one wins.
 *
 * A tenant's puts that come together go together, in three calls; what meets anything on its way goes on alone.
 */
export class MongoKeyPuts {
  private readonly batches = new Map<TenantId, Batches<Put>>();

  constructor(
    private readonly calls: MongoCalls,
    private readonly keys: mongo.Collection<StoredKey>,
    private readonly floors: mongo.Collection<StoredFloor>,
  ) {}

  /** @throws StaleGeneration below the floor, Error when another entry stands under its id */
  async put(tenant: TenantId, entry: KeyEntry): Promise<void> {
    const batches = this.batches.get(tenant) ?? new Batches<Put>(batchMax, (puts) => this.putTogether(tenant, puts));
    this.batches.set(tenant, batches);
    try {
      await batches.add({ entry, attempts: [] });
    } finally {
      if (batches.isIdle && this.batches.get(tenant) === batches) this.batches.delete(tenant);
    }
  }

  async floorOf(tenant: TenantId, session?: Session): Promise<number> {
    const found = await this.calls.done(() => this.floors.findOne({ _id: tenant }, session ? { session } : {}));
    return found?.floor ?? 0;
  }

  private putTogether(tenant: TenantId, puts: readonly Put[]): Promise<readonly Promise<void>[]> {
    return this.calls.inSession(async (session) => {
      const announced = await this.announceAll(tenant, puts, session);
      const floor = await this.floorOf(tenant, session);
      const generations = Map.groupBy(announced.entries(), ([, { generation }]) => -generation);
      const standing = new Set<Put>();
      for (const [generation, entries] of generations) {
        const isConfirmed = generation >= floor && (await this.confirmAll(generation, [...entries], session));
        if (isConfirmed) for (const [put] of entries) standing.add(put);
      }
      return puts.map(async (put) => (standing.has(put) ? undefined : this.putAlone(tenant, put)));
    });
  }

  /** Those that took their ids; the others met something there. */
  private announceAll(tenant: TenantId, puts: readonly Put[], session: Session): Promise<Map<Put, StoredKey>> {
    return this.calls.done(async () => {
      const made = puts.map((put) => [put, announcementOf(tenant, put)] as const);
      const writes = made.map(([, document]) => ({ insertOne: { document } }));
      const refused = await duplicatesIn(this.keys.bulkWrite(writes, { ordered: false, session }));
      return new Map(made.filter((_, n) => !refused.has(n)));
    });
  }

  private async confirmAll(
    generation: number,
    entries: readonly (readonly [Put, StoredKey])[],
    session: Session,
  ): Promise<boolean> {
    const unconfirmed = {
      _id: { $in: entries.map(([, { _id }]) => _id) },
      announced: { $in: entries.map(([, { announced }]) => announced) },
      generation: -generation,
    };
    const set = { $set: { generation } };
    const { matchedCount } = await this.calls.done(() => this.keys.updateMany(unconfirmed, set, { session }));
    return matchedCount === entries.length;
  }

  private putAlone(tenant: TenantId, put: Put): Promise<void> {
    return this.calls.inSession(async (session) => {
      for (;;) {
        const announced = await this.announce(tenant, put, session);
        if (!announced) return;
        const isConfirmed = await this.confirm(tenant, announced, session);
        // Where another maker's was met, it now stands or is gone.
        if (!isOf(put, announced)) continue;
        if (isConfirmed) return;
        throw new StaleGeneration(`generation ${put.entry.generation} is being closed`);
      }
    });
  }

  /**
   * What is announced under the id now: by this put, or by another one that was first. Undefined when the entry stands.
   * @throws Error when another one stands there
   */
  private async announce(tenant: TenantId, put: Put, session: Session): Promise<StoredKey | undefined> {
    const { keyId, generation, wrapped } = put.entry;
    const _id = placeOf(tenant, keyId);
    for (;;) {
      const found = await this.calls.done(() => this.keys.findOne({ _id }, { session }));
      if (found && found.generation < 0) return found;
      if (found) {
        const isSame = found.generation === generation && Buffer.from(wrapped).equals(found.wrapped.value());
        // Confirmed by another maker who met it, and perhaps already wrapped anew.
        if (isSame || isOf(put, found)) return undefined;
        throw new Error(`there is another key named ${keyId}`);
      }
      const made = await this.calls.done(() => {
        const document = announcementOf(tenant, put);
        return this.keys.insertOne(document, { session }).then(() => document, unlessTaken);
      });
      if (made) return made;
    }
  }

  /** Whether what was announced stands now; otherwise it is gone, by this call or by whoever raised the floor. */
  private async confirm(tenant: TenantId, stored: StoredKey, session: Session): Promise<boolean> {
    const { _id, announced } = stored;
    const generation = -stored.generation;
    const unconfirmed = { _id, announced, generation: stored.generation };
    if (generation < (await this.floorOf(tenant, session))) {
      await this.calls.done(() => this.keys.deleteOne(unconfirmed, { session }));
    } else {
      const set = { $set: { generation } };
      const { matchedCount } = await this.calls.done(() => this.keys.updateOne(unconfirmed, set, { session }));
      if (matchedCount === 1) return true;
    }
    // Somebody else may have confirmed it, or this call itself, its answer lost.
    const found = await this.calls.done(() => this.keys.findOne({ _id, announced }, { session }));
    return (found?.generation ?? 0) > 0;
  }
}

export const placeOf = (tenant: TenantId, keyId: string): string => `${tenant}/${keyId}`;

function announcementOf(tenant: TenantId, { entry, attempts }: Put): StoredKey {
  const announced = new mongoose.mongo.ObjectId();
  attempts.push(announced);
  const { keyId, generation, wrapped } = entry;
  const bytes = new mongoose.mongo.Binary(wrapped);
  return { _id: placeOf(tenant, keyId), tenant, generation: -generation, wrapped: bytes, announced };
}

const isOf = ({ attempts }: Put, { announced }: StoredKey) => attempts.some((attempt) => attempt.equals(announced));

const unlessTaken = (error: unknown): undefined => {
  if (!isDuplicate(error)) throw error;
};
