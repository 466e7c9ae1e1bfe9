import mongoose, { type Connection, type mongo } from 'mongoose';
import type { TenantId } from '#lib/core';
import { type Clock, type KeyEntry, KeyTable, StaleGeneration } from '#lib/ports';
import { MongoCalls, partsOf, twice } from './mongo-calls.js';
import { MongoKeyPuts, placeOf, type StoredFloor, type StoredKey } from './mongo-key-puts.js';

const keyIdMax = 100;
const wrappedMax = 500;
const pageMax = 1_000;
/** How many entries one call erases, so that it ends in time. */
const erasedMax = 500;
/** How many it replaces: some servers sync each for itself. */
const replacedMax = 50;

/**
 * KeyTable in collections of their own in a MongoDB: `keys` and `key-floors`. It can be backed up apart from all else.
 * How an entry comes in without a transaction, `MongoKeyPuts` says.
 *
 * An erased entry stays in journal and oplog of the server until its generation is closed, as the port says.
 */
export class MongoKeyTable extends KeyTable {
  private readonly calls: MongoCalls;
  private readonly keys: mongo.Collection<StoredKey>;
  private readonly floors: mongo.Collection<StoredFloor>;
  private readonly puts: MongoKeyPuts;

  private constructor(connection: Connection, ticks: Clock) {
    super();
    this.calls = new MongoCalls(connection, ticks);
    this.keys = this.calls.database.collection('keys');
    this.floors = this.calls.database.collection('key-floors');
    this.puts = new MongoKeyPuts(this.calls, this.keys, this.floors);
  }

  /** Over a connection that stays the caller's to close. @throws StoreUnavailable when its index cannot be made */
  static async open(connection: Connection, ticks: Clock): Promise<MongoKeyTable> {
    const table = new MongoKeyTable(connection, ticks);
    const index = { name: 'generation', key: { tenant: 1, generation: 1 } } as const;
    await table.calls.done(() => table.keys.createIndexes([index]));
    return table;
  }

  async put(tenant: TenantId, entry: KeyEntry): Promise<void> {
    assertSizes(entry);
    await this.puts.put(tenant, entry);
  }

  async get(tenant: TenantId, keyId: string): Promise<KeyEntry | undefined> {
    const found = await this.calls.done(() => this.keys.findOne({ _id: placeOf(tenant, keyId) }));
    return found && found.generation > 0 ? entryIn(tenant, found) : undefined;
  }

  async erase(tenant: TenantId, keyIds: readonly string[]): Promise<void> {
    for (const part of partsOf(keyIds, erasedMax)) {
      const places = part.map((keyId) => placeOf(tenant, keyId));
      await this.calls.done(() => this.keys.deleteMany({ _id: { $in: places } }));
    }
  }

  async below(tenant: TenantId, generation: number, afterKeyId: string, limit: number): Promise<readonly KeyEntry[]> {
    const older = { $gt: 0, $lt: generation };
    // Without this, one that finds nothing would look at every entry: asked at the beginning of each pass.
    if (afterKeyId === '' && !(await this.calls.done(() => this.keys.findOne({ tenant, generation: older }))))
      return [];
    const place = { $gt: placeOf(tenant, afterKeyId), $lt: `${tenant}0` };
    const count = Math.min(limit, pageMax);
    const cursor = () =>
      this.keys.find({ _id: place, generation: older }).sort({ _id: 1 }).limit(count).batchSize(count).hint({ _id: 1 });
    return (await this.calls.done(() => cursor().toArray())).map((found) => entryIn(tenant, found));
  }

  /**
   * The floor may be raised right after it was read. What is put then is still in the place of an older entry only, and
   * so is shown by a page of whoever raised it, in this form or the older one, or stands there newer and is passed over.
   */
  async replace(tenant: TenantId, entries: readonly KeyEntry[]): Promise<void> {
    if (entries.length === 0) return;
    for (const entry of entries) assertSizes(entry);
    const oldest = Math.min(...entries.map(({ generation }) => generation));
    if (oldest < (await this.puts.floorOf(tenant))) throw new StaleGeneration(`generation ${oldest} is being closed`);
    const writes = entries.map(({ keyId, generation, wrapped }) => ({
      updateOne: {
        filter: { _id: placeOf(tenant, keyId), generation: { $gt: 0, $lt: generation } },
        update: { $set: { generation, wrapped: new mongoose.mongo.Binary(wrapped) } },
      },
    }));
    for (const part of partsOf(writes, replacedMax)) {
      await this.calls.done(() => this.keys.bulkWrite([...part], { ordered: false }));
    }
  }

  async raiseFloor(tenant: TenantId, generation: number): Promise<void> {
    await this.calls.done(
      twice(() => this.floors.updateOne({ _id: tenant }, { $max: { floor: generation } }, { upsert: true })),
    );
    await this.calls.done(() => this.keys.deleteMany({ tenant, generation: { $gt: -generation, $lt: 0 } }));
  }

  count(tenant: TenantId): Promise<number> {
    const confirmed = { tenant, generation: { $gt: 0, $lt: Number.MAX_SAFE_INTEGER } };
    return this.calls.done(() => this.keys.countDocuments(confirmed, { hint: 'generation' }));
  }
}

const entryIn = (tenant: TenantId, { _id, generation, wrapped }: StoredKey): KeyEntry => ({
  keyId: _id.slice(tenant.length + 1),
  generation,
  wrapped: Uint8Array.from(wrapped.value()),
});

function assertSizes({ keyId, generation, wrapped }: KeyEntry): void {
  if (keyId.length > keyIdMax) throw new RangeError(`the id of a key has at most ${keyIdMax} characters`);
  if (wrapped.length > wrappedMax) throw new RangeError(`a wrapped key has at most ${wrappedMax} bytes`);
  if (!(generation >= 1)) throw new RangeError('generations begin with 1');
}
