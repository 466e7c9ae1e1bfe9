import { LRUCache } from 'lru-cache';
import mongoose, { type Connection, type mongo } from 'mongoose';
import type { TenantId } from '#lib/core';
import { type Clock, KeysUnavailable, StoreUnavailable } from '#lib/ports';
import { isDuplicate, MongoCalls } from './mongo-calls.js';

const attemptsMax = 20;
const rememberedMax = 10_000;
/** How old a ring may be that is good enough to open with. */
const ageMaxMs = 5_000;

/** A key as it is stored: as KMS sealed it. */
export interface SealedKey {
  readonly number: number;
  readonly sealed: Uint8Array;
}

/** A generation: an erasable key of KMS's own, and under it the key that wraps. */
export interface SealedGeneration extends SealedKey {
  readonly erasableId: string;
  /** It is being destroyed, and opens nothing any more; some of its key may still be there. */
  readonly isClosing?: boolean;
}

/** Ascending by number each; the last ones are the newest version and the open generation. */
export interface RingKeys {
  readonly versions: readonly SealedKey[];
  readonly generations: readonly SealedGeneration[];
  readonly secret: Uint8Array;
  readonly signing: Uint8Array;
}

/** Keys that are awaited from another key service. */
export interface Arrival {
  /** The private half of what they are sealed to, under an erasable key, so that it can be destroyed for good. */
  readonly transfer: Uint8Array;
  readonly erasableId: string;
  /** What was taken over, and by which hand-over: the SHA-256 of what was sealed, in hex. */
  readonly taken?: RingKeys & { readonly handOver: string };
}

/** All of a tenant, or what is to become of it. */
export interface Keyring {
  readonly keys?: RingKeys | undefined;
  readonly arrival?: Arrival | undefined;
}

interface Stored {
  readonly _id: string;
  readonly revision: number;
  readonly ring: Keyring;
}

/** What a change comes to: a ring to be stored, or none where nothing is to be changed; and what is answered then. */
export interface RingChange<T> {
  readonly ring?: Keyring;
  readonly answer: T;
}

const empty: Keyring = {};

/** Keyrings of tenants in a MongoDB, one document each. Each is changed by whoever read it as it stands, and nobody else. */
export class KmsKeyrings {
  private readonly calls: MongoCalls;
  private readonly rings: mongo.Collection<Stored>;
  /** The last change of a tenant in this process: the next one begins after it. */
  private readonly changing = new Map<TenantId, Promise<unknown>>();
  private readonly remembered = new LRUCache<TenantId, { readonly stored: Stored; readonly readMs: number }>({
    max: rememberedMax,
  });
  private readonly reading = new Map<TenantId, Promise<Keyring>>();

  constructor(
    connection: Connection,
    private readonly ticks: Clock,
  ) {
    this.calls = new MongoCalls(connection, ticks);
    this.rings = this.calls.database.collection('keyrings');
  }

  /** As it stands now. */
  async read(tenant: TenantId): Promise<Keyring> {
    return (await this.stored(tenant))?.ring ?? empty;
  }

  /** As it stood at most five seconds ago, or as this process last changed it; read once for all who ask at once. */
  async recent(tenant: TenantId): Promise<Keyring> {
    const known = this.remembered.get(tenant);
    if (known && Math.abs(this.ticks.now().getTime() - known.readMs) < ageMaxMs) return known.stored.ring;
    const begun = this.reading.get(tenant);
    if (begun) return begun;
    const read = this.read(tenant).finally(() => this.reading.delete(tenant));
    this.reading.set(tenant, read);
    return read;
  }

  /** @throws KeysUnavailable when MongoDB does not answer */
  async check(): Promise<void> {
    // No tenant's: the name of one has no space.
    await reached(this.calls.done(() => this.rings.findOne({ _id: 'no tenant' })));
  }

  /**
   * Stores what `change` makes of the ring. Another one's change in between, or an answer that was lost, has it called
   * again on what then stands: so it must know its own effect again, and keep what it made outside.
   */
  async change<T>(tenant: TenantId, change: (ring: Keyring) => Promise<RingChange<T>>): Promise<T> {
    const before = this.changing.get(tenant) ?? Promise.resolve();
    const changed = before.catch(() => undefined).then(() => this.changeNow(tenant, change));
    this.changing.set(tenant, changed);
    try {
      return await changed;
    } finally {
      if (this.changing.get(tenant) === changed) this.changing.delete(tenant);
    }
  }

  private async changeNow<T>(tenant: TenantId, change: (ring: Keyring) => Promise<RingChange<T>>): Promise<T> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const stored = await this.stored(tenant);
      const { ring, answer } = await change(stored?.ring ?? empty);
      if (!ring) return answer;
      const next = { _id: tenant, revision: (stored?.revision ?? 0) + 1, ring };
      const readMs = this.ticks.now().getTime();
      if (await this.replace(next)) {
        this.remember(tenant, next, readMs);
        return answer;
      }
    }
    throw new KeysUnavailable(`the keyring of ${tenant} is changed by others again and again`);
  }

  private async stored(tenant: TenantId): Promise<Stored | undefined> {
    const readMs = this.ticks.now().getTime();
    const found = await reached(this.calls.done(() => this.rings.findOne({ _id: tenant }, { promoteBuffers: true })));
    if (!found) return undefined;
    this.remember(tenant, found, readMs);
    return found;
  }

  /** The newest: a reading that began before a change may end after it. One without keys may get some any moment. */
  private remember(tenant: TenantId, stored: Stored, readMs: number): void {
    const known = this.remembered.get(tenant);
    if (stored.ring.keys && (known?.stored.revision ?? 0) <= stored.revision) {
      this.remembered.set(tenant, { stored, readMs });
    }
  }

  /** Whether it stood at the revision before. After a lost answer it may say no: `change` then finds its own effect. */
  private async replace({ _id, revision, ring }: Stored): Promise<boolean> {
    const next = { _id, revision, ring: withBinaries(ring) };
    if (revision === 1) return reached(this.calls.done(() => this.rings.insertOne(next).then(() => true, isTaken)));
    const replaced = this.calls.done(() => this.rings.replaceOne({ _id, revision: revision - 1 }, next));
    return (await reached(replaced)).matchedCount === 1;
  }
}

/** Bytes as MongoDB stores them; whatever is not defined left out. */
function withBinaries<T>(value: T): T {
  if (value instanceof Uint8Array) return new mongoose.mongo.Binary(value) as T;
  if (Array.isArray(value)) return value.map(withBinaries) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([name, each]) => [name, withBinaries(each)])) as T;
}

const isTaken = (error: unknown): false => {
  if (isDuplicate(error)) return false;
  throw error;
};

const reached = <T>(call: Promise<T>): Promise<T> =>
  call.catch((error: unknown) => {
    if (!(error instanceof StoreUnavailable)) throw error;
    throw new KeysUnavailable('the keyrings cannot be reached', { cause: error });
  });
