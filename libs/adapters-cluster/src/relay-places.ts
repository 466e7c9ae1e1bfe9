import type { Connection } from 'mongoose';
import type { TenantId } from '#lib/core';

/** One partition of the topic, as long as it is the same one. */
export interface PartitionPlace {
  readonly partition: number;
  /** Another number whenever the partition is not what it was: it was lost, and begins anew. Higher than all before it. */
  readonly incarnation: number;
  /** The offset of the last record known to be in it; -1 for none. */
  readonly end: number;
  /** Of the cluster and the topic that it belongs to. */
  readonly topicIdentity: string;
}

/** How far a tenant's log was published, in a partition while it is the same one. */
export interface TenantPlace {
  readonly tenant: TenantId;
  readonly incarnation: number;
  readonly position: number;
}

interface PartitionDocument {
  readonly _id: string;
  readonly incarnation: number;
  readonly end: number;
  readonly topicIdentity: string;
}

interface PositionDocument {
  readonly _id: string;
  readonly incarnation: number;
  readonly position: number;
}

const isDuplicate = (error: unknown) => (error as { code?: unknown }).code === 11_000;

/**
 * What a relay must not forget, in MongoDB: how far each tenant was published, and how far each partition was filled.
 *
 * Everything here only ever rises: an incarnation, and within it positions and ends. So a relay that lost its lease and
 * does not know it yet can write nothing that is not true.
 */
export class RelayPlaces {
  constructor(
    private readonly connection: Connection,
    private readonly topic: string,
  ) {}

  /** The partition as it was left; a new incarnation where it belongs to another topic than it did. */
  async partition(partition: number, topicIdentity: string): Promise<PartitionPlace> {
    const found = await this.find(partition);
    if (found?.topicIdentity === topicIdentity) return found;
    return this.begin(partition, topicIdentity, found);
  }

  /** A new incarnation in the place of `before`; the one that another relay has begun meanwhile, where one has. */
  async begin(partition: number, topicIdentity: string, before?: PartitionPlace): Promise<PartitionPlace> {
    const _id = this.id(partition);
    const fresh = { incarnation: await this.nextIncarnation(), end: -1, topicIdentity };
    try {
      if (before) await this.partitions().updateOne({ _id, incarnation: before.incarnation }, { $set: fresh });
      else await this.partitions().insertOne({ _id, ...fresh });
    } catch (error) {
      if (!isDuplicate(error)) throw error;
    }
    return (await this.find(partition)) ?? { partition, ...fresh };
  }

  /** Positions within these incarnations; 0 where there is none yet. */
  async positions(asked: ReadonlyMap<TenantId, number>): Promise<Map<TenantId, number>> {
    const ids = [...asked.keys()].map((tenant) => this.id(tenant));
    const found =
      ids.length > 0
        ? await this.places()
            .find({ _id: { $in: ids } })
            .toArray()
        : [];
    const byId = new Map(found.map((each) => [each._id, each]));
    return new Map(
      [...asked].map(([tenant, incarnation]) => {
        const place = byId.get(this.id(tenant));
        return [tenant, place?.incarnation === incarnation ? place.position : 0];
      }),
    );
  }

  /**
   * Ends before positions: whoever finds a position finds an end that is no lower, and so notices should the partition be
   * emptied.
   */
  async keep(partitions: readonly PartitionPlace[], tenants: readonly TenantPlace[]): Promise<void> {
    if (partitions.length > 0) {
      const ends = partitions.map(({ partition, incarnation, end }) => ({
        updateOne: { filter: { _id: this.id(partition), incarnation }, update: { $max: { end } } },
      }));
      await this.partitions().bulkWrite(ends, { ordered: false });
    }
    if (tenants.length === 0) return;
    const positions = tenants.map(({ tenant, incarnation, position }) => {
      const lower = [{ incarnation: { $lt: incarnation } }, { incarnation, position: { $lt: position } }];
      const update = { $set: { incarnation, position } };
      return { updateOne: { filter: { _id: this.id(tenant), $or: lower }, update, upsert: true } };
    });
    try {
      await this.places().bulkWrite(positions, { ordered: false });
    } catch (error) {
      // Of an unordered batch all are tried. A duplicate is one that stands higher already.
      const { writeErrors = [] } = error as { writeErrors?: unknown };
      const errors = Array.isArray(writeErrors) ? writeErrors : [writeErrors];
      if (errors.length === 0 || !errors.every(isDuplicate)) throw error;
    }
  }

  private async find(partition: number): Promise<PartitionPlace | undefined> {
    const found = await this.partitions().findOne({ _id: this.id(partition) });
    return found
      ? { partition, incarnation: found.incarnation, end: found.end, topicIdentity: found.topicIdentity }
      : undefined;
  }

  private async nextIncarnation(): Promise<number> {
    const counters = this.connection.collection<{ _id: string; count: number }>('relay_counters');
    const counted = await counters.findOneAndUpdate(
      { _id: this.topic },
      { $inc: { count: 1 } },
      { upsert: true, returnDocument: 'after' },
    );
    return counted?.count ?? 1;
  }

  private id(place: number | TenantId): string {
    return `${this.topic}/${place}`;
  }

  private partitions() {
    return this.connection.collection<PartitionDocument>('relay_partitions');
  }

  private places() {
    return this.connection.collection<PositionDocument>('relay_positions');
  }
}
