import mongoose, { type Connection, type mongo } from 'mongoose';
import type { TenantId } from '#lib/core';
import {
  type Clock,
  type DocumentBatch,
  type DocumentRange,
  Documents,
  type StoredDocument,
  StoreUnavailable,
} from '#lib/ports';
import { duplicatesIn, isDuplicate, MongoCalls, partsOf, twice } from './mongo-calls.js';
import { Shelf, type Stone, type Written } from './mongo-document.js';

const rangeMax = 1_000;
/** How many documents one call reads, inserts or removes, so that it ends in time. */
const partMax = 500;
/** How many it replaces: some servers sync each for itself. */
const upsertsMax = 50;
/** From how many on it is worth trying to insert them first. */
const fewMax = 4;
const clearedMax = 10_000;
/** Longer than a process may be late with a write about something that another one removed. */
const stoneSeconds = 3_600;

/** How far a view has come, beside its documents. */
interface Position {
  readonly _id: string;
  readonly position: number;
}

type Found = Written | Stone;
type Write = mongo.AnyBulkWriteOperation<Found>;

/**
 * Documents in one collection of a MongoDB, `views` or `vault`, and positions in another one beside it.
 *
 * Each document is whole by itself, and a view's position is stored after the documents that belong to it. A view never
 * goes back: of a batch with a position, what is older than what stands there is passed over, and a removal leaves for an
 * hour a stone that says so. So a worker that lost a view to another one, and does not know yet, does no harm; and a
 * position sinks by `clear` only. What is written without a position (records, not views) is simply the last.
 *
 * A removed document stays in journal, oplog and free blocks of the server: what must be forgotten has to be sealed
 * before it comes here, and its key destroyed.
 */
export class MongoDocuments extends Documents {
  private readonly calls: MongoCalls;
  private readonly documents: mongo.Collection<Found>;
  private readonly positions: mongo.Collection<Position>;

  private constructor(
    connection: Connection,
    name: 'views' | 'vault',
    private readonly ticks: Clock,
  ) {
    super();
    this.calls = new MongoCalls(connection, ticks);
    this.documents = this.calls.database.collection(name);
    this.positions = this.calls.database.collection(`${name}-positions`);
  }

  /** Over a connection that stays the caller's to close. @throws StoreUnavailable when its indexes cannot be made */
  static async open(connection: Connection, name: 'views' | 'vault', ticks: Clock): Promise<MongoDocuments> {
    const made = new MongoDocuments(connection, name, ticks);
    const indexes = [
      { name: 'order', key: { tenant: 1, collection: 1, key: 1, _id: 1 } },
      { name: 'removed', key: { removedAt: 1 }, expireAfterSeconds: stoneSeconds },
    ] as const;
    await made.calls.done(() => made.documents.createIndexes([...indexes]));
    return made;
  }

  async get<Body>(tenant: TenantId, collection: string, ids: readonly string[]) {
    const shelf = new Shelf(tenant, collection);
    const found = new Map<string, StoredDocument<Body> | undefined>();
    for (const part of partsOf([...new Set(ids)], partMax)) {
      const places = part.map((id) => shelf.placeOf(id));
      const cursor = () => this.documents.find({ _id: { $in: places } }).batchSize(partMax);
      const read = await this.calls.done(() => cursor().toArray());
      for (const each of read) found.set(each._id, shelf.document(each));
    }
    return ids.map((id) => found.get(shelf.placeOf(id)));
  }

  /** MongoDB compares text as bytes of UTF-8. A stone has no key, and so no place in any range. */
  async range<Body>(tenant: TenantId, collection: string, { from, below, after, limit }: DocumentRange) {
    if (!(limit >= 1 && limit <= rangeMax)) throw new RangeError(`a range is of 1 to ${rangeMax} documents`);
    const shelf = new Shelf(tenant, collection);
    const read = async (filter: mongo.Filter<Written>, count: number) => {
      if (count === 0) return [];
      const within = { tenant, collection, ...filter } as mongo.Filter<Found>;
      const cursor = () =>
        this.documents.find(within).sort({ key: 1, _id: 1 }).limit(count).batchSize(count).hint('order');
      const found = await this.calls.done(() => cursor().toArray());
      return found.flatMap((each) => shelf.document<Body>(each) ?? []);
    };
    if (!after || isBelow(after.key, from)) return read({ key: { $gte: from, $lt: below } }, limit);
    if (!isBelow(after.key, below)) return [];
    // Two ranges, each bounded at both ends: one for both would be an `or`, which some servers read whole.
    const same = await read({ key: after.key, _id: { $gt: shelf.placeOf(after.id), $lt: shelf.end } }, limit);
    const rest = await read({ key: { $gt: after.key, $lt: below } }, limit - same.length);
    return [...same, ...rest];
  }

  /** Repeated where its outcome is unknown: a batch that is written twice is as if it was written once. */
  async write(tenant: TenantId, { collection, puts, removes, position }: DocumentBatch): Promise<void> {
    const shelf = new Shelf(tenant, collection);
    const documents = new Map(puts.map((put) => [put.id, shelf.written(put)]));
    const gone = [...new Set(removes)].filter((id) => !documents.has(id));
    if (position === undefined) {
      for (const part of partsOf([...documents.values()], partMax)) await this.store(part, overwrite);
      for (const part of partsOf(gone, partMax)) await this.remove(part.map((id) => shelf.placeOf(id)));
      return;
    }
    const removedAt = this.ticks.now();
    const stones = gone.map((id) => shelf.stone(id, position, removedAt));
    for (const part of partsOf([...documents.values(), ...stones], partMax)) await this.store(part, replaceOlder);
    const _id = shelf.placeOf('');
    await this.calls.done(twice(() => this.positions.updateOne({ _id }, { $max: { position } }, { upsert: true })));
  }

  async create<Body>(tenant: TenantId, collection: string, document: StoredDocument<Body>) {
    const shelf = new Shelf(tenant, collection);
    const made = new mongoose.mongo.ObjectId();
    const written = { ...shelf.written(document), made };
    const { _id } = written;
    for (;;) {
      const isStored = await this.calls.done(() => this.documents.insertOne(written).then(() => true, isTaken));
      if (isStored) return undefined;
      const found = await this.calls.done(() => this.documents.findOne({ _id }));
      if (found && 'made' in found && found.made?.equals(made)) return undefined;
      const existing = found && shelf.document<Body>(found);
      if (existing) return existing;
      // It was removed since, or there is a stone, which is nothing to who creates.
      await this.calls.done(() => this.documents.replaceOne({ _id, removedAt: { $exists: true } }, written));
    }
  }

  async position(tenant: TenantId, collection: string): Promise<number> {
    const _id = new Shelf(tenant, collection).placeOf('');
    return (await this.calls.done(() => this.positions.findOne({ _id })))?.position ?? 0;
  }

  /** The position goes first: whoever is cut off between the two finds a view that is yet to be built, not half a one. */
  async clear(tenant: TenantId, collection: string): Promise<void> {
    const _id = new Shelf(tenant, collection).placeOf('');
    await this.calls.done(() => this.positions.deleteOne({ _id }));
    for (;;) {
      const found = await this.calls.done(() =>
        this.documents
          .find({ tenant, collection }, { projection: { _id: 1 } })
          .limit(clearedMax)
          .toArray(),
      );
      if (found.length === 0) return;
      for (const part of partsOf(found, partMax)) await this.remove(part.map((each) => each._id));
    }
  }

  private async remove(places: readonly string[]): Promise<void> {
    await this.calls.done(() => this.documents.deleteMany({ _id: { $in: [...places] } }));
  }

  /**
   * Many at once are mostly new, and inserting them is one commit of the server's, where upserts are one each.
   *
   * A duplicate of an upsert is something newer that stands there, or another process's that came in between. So what was
   * refused is tried once more; then only what is older is refused again, and is to be passed over.
   */
  private async store(documents: readonly Found[], upsert: (document: Found) => Write): Promise<void> {
    let left = documents;
    if (left.length > fewMax) left = await this.refusedOf(left, (document) => ({ insertOne: { document } }));
    for (const part of partsOf(left, upsertsMax)) {
      const again = await this.refusedOf(await this.refusedOf(part, upsert), upsert);
      if (again.length > 0 && upsert === overwrite)
        throw new StoreUnavailable('records are removed and made meanwhile');
    }
  }

  /** Which of them met a duplicate. */
  private async refusedOf(documents: readonly Found[], writeOf: (document: Found) => Write): Promise<readonly Found[]> {
    if (documents.length === 0) return [];
    const writes = documents.map(writeOf);
    const refused = await this.calls.done(() => duplicatesIn(this.documents.bulkWrite(writes, { ordered: false })));
    return documents.filter((_, n) => refused.has(n));
  }
}

const overwrite = (replacement: Found): Write => ({
  replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
});

const replaceOlder = (replacement: Found): Write => ({
  replaceOne: {
    filter: { _id: replacement._id, sequence: { $lte: replacement.sequence } },
    replacement,
    upsert: true,
  },
});

const isBelow = (text: string, bound: string) => Buffer.compare(Buffer.from(text), Buffer.from(bound)) < 0;

const isTaken = (error: unknown): false => {
  if (isDuplicate(error)) return false;
  throw error;
};
