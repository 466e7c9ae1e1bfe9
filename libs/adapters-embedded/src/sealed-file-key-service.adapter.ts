import { createHash, type KeyObject, sign } from 'node:crypto';
import { existsSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { handOverTo, takeOverAt } from '#lib/adapters-system';
import type { TenantId } from '#lib/core';
import {
  nonceBytes,
  openHandOver,
  secretFrom,
  transferPublicKey,
  unwrapAt,
  versionOf,
  type WrappingPlace,
  wrapAt,
  wrappingKeyFrom,
} from '#lib/envelope';
import { HandOverRefused, type KeyEntry, KeyService, KeysUnavailable, type Random } from '#lib/ports';
import { makeRootKey, readRootKey } from './root-key.js';
import { SealedKeys } from './sealed-keys.js';
import { type AllKeys, type Arrival, makeKey, makeTenantKeys, newestOf, type TenantKeys } from './tenant-keys.js';

const wrappingKeysMax = 1_000;

export interface SealedFileSettings {
  /** `keys.sealed`: all keys of all tenants. */
  readonly file: string;
  /** `root.key`: what opens it. May lie on another disk. */
  readonly rootKeyFile: string;
  /** Whether there are data that older keys open: then no keys are made where there are none. */
  readonly holdsData: boolean;
}

/**
 * KeyService in two files: `root.key`, and `keys.sealed` under it. Both are made at the first start and never again.
 *
 * Read at start; unwrapping never touches the disk. What changes keys replaces the sealed file whole, one change at a
 * time. A destroyed generation is gone from memory, and from the disk as far as the file system lets it go
 * (see `replaceFile`). Keys are never text in memory, and their bytes are zeroed.
 */
export class SealedFileKeyService extends KeyService {
  private readonly sealed: SealedKeys;
  private all: AllKeys;
  private lastChange: Promise<unknown> = Promise.resolve();
  /** Keys that wrap, by tenant, version and generation. */
  private readonly wrapping = new LRUCache<string, KeyObject>({ max: wrappingKeysMax });

  /** @throws KeysUnavailable when either file is missing, open to others, damaged, or not of the other: it says which */
  constructor(
    private readonly settings: SealedFileSettings,
    private readonly random: Random,
  ) {
    super();
    const { file, rootKeyFile, holdsData } = settings;
    const begins = !holdsData && !existsSync(file);
    if (begins && !existsSync(rootKeyFile)) makeRootKey(rootKeyFile, random);
    this.sealed = new SealedKeys(file, readRootKey(rootKeyFile), random);
    if (begins) this.sealed.makeFirst();
    this.all = this.sealed.read();
  }

  async provision(tenant: TenantId): Promise<void> {
    if (this.all.tenants.has(tenant)) return;
    await this.change(async () => {
      if (this.all.arrivals.has(tenant)) this.keysOf(tenant);
      if (!this.all.tenants.has(tenant)) await this.replace(tenant, makeTenantKeys(this.random));
    });
  }

  async wrap(tenant: TenantId, keyId: string, key: Uint8Array): Promise<KeyEntry> {
    const keys = this.keysOf(tenant);
    const [version, generation] = [newestOf(keys.versions), newestOf(keys.generations)];
    const place = { tenant, version, generation };
    const kek = this.wrappingKey(place) as KeyObject;
    return { keyId, generation, wrapped: wrapAt(place, kek, keyId, key, this.random.bytes(nonceBytes)) };
  }

  async unwrap(tenant: TenantId, { keyId, generation, wrapped }: KeyEntry): Promise<KeyObject | undefined> {
    this.keysOf(tenant);
    const version = versionOf(wrapped);
    if (version === undefined) return undefined;
    const place = { tenant, version, generation };
    const kek = this.wrappingKey(place);
    return kek && unwrapAt(place, kek, keyId, wrapped);
  }

  async rewrap(tenant: TenantId, entry: KeyEntry): Promise<KeyEntry | undefined> {
    const key = await this.unwrap(tenant, entry);
    if (!key) return undefined;
    const bytes = key.export();
    try {
      return await this.wrap(tenant, entry.keyId, bytes);
    } finally {
      bytes.fill(0);
    }
  }

  async generations(tenant: TenantId): Promise<readonly number[]> {
    return [...this.keysOf(tenant).generations.keys()].sort((a, b) => a - b);
  }

  openGeneration(tenant: TenantId): Promise<number> {
    return this.change(async () => {
      const keys = this.keysOf(tenant);
      const next = newestOf(keys.generations) + 1;
      await this.replace(tenant, { ...keys, generations: new Map(keys.generations).set(next, makeKey(this.random)) });
      return next;
    });
  }

  destroyGenerations(tenant: TenantId, below: number): Promise<void> {
    return this.change(async () => {
      const keys = this.keysOf(tenant);
      if (!(below <= newestOf(keys.generations))) throw new Error('the open generation stays');
      const kept = new Map([...keys.generations].filter(([generation]) => generation >= below));
      if (kept.size === keys.generations.size) return;
      await this.replace(tenant, { ...keys, generations: kept });
      this.wrapping.clear();
    });
  }

  rotate(tenant: TenantId): Promise<number> {
    return this.change(async () => {
      const keys = this.keysOf(tenant);
      const next = newestOf(keys.versions) + 1;
      await this.replace(tenant, { ...keys, versions: new Map(keys.versions).set(next, makeKey(this.random)) });
      return next;
    });
  }

  async secret(tenant: TenantId, label: string): Promise<KeyObject> {
    return secretFrom(this.keysOf(tenant).secret, label);
  }

  async sign(tenant: TenantId, bytes: Uint8Array) {
    const { key, jwk } = this.keysOf(tenant).signing;
    return { kid: jwk.kid, signature: sign(null, bytes, key) };
  }

  async publicKeys(tenant: TenantId) {
    return [{ ...this.keysOf(tenant).signing.jwk }];
  }

  receive(tenant: TenantId): Promise<Uint8Array> {
    return this.change(async () => {
      if (this.all.tenants.has(tenant)) throw new HandOverRefused(`${tenant} has keys here already`);
      const arrival = this.all.arrivals.get(tenant) ?? { transfer: makeKey(this.random) };
      if (!this.all.arrivals.has(tenant)) await this.replaceArrival(tenant, arrival);
      return withBytes(arrival.transfer, transferPublicKey);
    });
  }

  async handOver(tenant: TenantId, to: Uint8Array) {
    const { versions, generations, secret, signing } = this.keysOf(tenant);
    const handed = { version: newestOf(versions), generation: newestOf(generations), secret, signing };
    return handOverTo(to, tenant, handed, (entry) => this.unwrap(tenant, entry), this.random);
  }

  takeOver(tenant: TenantId, sealed: Uint8Array) {
    return this.change(async () => {
      const arrival = this.all.arrivals.get(tenant);
      if (!arrival) throw new HandOverRefused(`no keys of ${tenant} are awaited here`);
      const opened = withBytes(arrival.transfer, (secret) => openHandOver(tenant, secret, sealed));
      if (!opened.ok)
        throw new HandOverRefused(`this was not sealed to the key that awaits ${tenant} here, or altered`);
      const handOver = createHash('sha256').update(sealed).digest('hex');
      const { version, generation, secret, signing } = opened.keys;
      const known = arrival.taken?.handOver === handOver ? arrival.taken.keys : undefined;
      const versionKey = known?.versions.get(version) ?? makeKey(this.random);
      const generationKey = known?.generations.get(generation) ?? makeKey(this.random);
      const numbered = {
        versions: new Map([[version, versionKey]]),
        generations: new Map([[generation, generationKey]]),
      };
      const taken = { handOver, keys: { ...numbered, secret, signing } };
      if (!known) await this.replaceArrival(tenant, { ...arrival, taken });
      return takeOverAt({ tenant, version, generation, versionKey, generationKey }, opened.transfer, this.random);
    });
  }

  admit(tenant: TenantId): Promise<void> {
    return this.change(async () => {
      const arrival = this.all.arrivals.get(tenant);
      if (!arrival && this.all.tenants.has(tenant)) return;
      if (!arrival?.taken) throw new HandOverRefused(`no keys of ${tenant} were taken over`);
      await this.replace(tenant, arrival.taken.keys);
    });
  }

  dismiss(tenant: TenantId): Promise<void> {
    return this.change(async () => {
      if (this.all.arrivals.has(tenant)) await this.replaceArrival(tenant, undefined);
    });
  }

  /** Reads both files again: they may have been lost or changed since the start. */
  async check(): Promise<void> {
    await this.lastChange;
    readRootKey(this.settings.rootKeyFile);
    await this.sealed.check();
  }

  private keysOf(tenant: string): TenantKeys {
    const keys = this.all.tenants.get(tenant);
    if (keys) return keys;
    const isAwaited = this.all.arrivals.has(tenant);
    throw new KeysUnavailable(isAwaited ? `the keys of ${tenant} are awaited from elsewhere` : `${tenant} has no keys`);
  }

  /** One after the other: each change begins from what the last one left. */
  private change<T>(make: () => Promise<T>): Promise<T> {
    const made = this.lastChange.then(make);
    this.lastChange = made.catch(() => undefined);
    return made;
  }

  /** A tenant that has keys awaits none. */
  private async replace(tenant: TenantId, keys: TenantKeys): Promise<void> {
    const arrivals = new Map(this.all.arrivals);
    arrivals.delete(tenant);
    await this.replaceAll({ arrivals, tenants: new Map(this.all.tenants).set(tenant, keys) });
  }

  private async replaceArrival(tenant: TenantId, arrival: Arrival | undefined): Promise<void> {
    const arrivals = new Map(this.all.arrivals);
    if (arrival) arrivals.set(tenant, arrival);
    else arrivals.delete(tenant);
    await this.replaceAll({ ...this.all, arrivals });
  }

  private async replaceAll(all: AllKeys): Promise<void> {
    await this.sealed.replace(all);
    this.all = all;
  }

  /** Version and generation together: without either there is no key. */
  private wrappingKey(place: WrappingPlace): KeyObject | undefined {
    const { tenant, version, generation } = place;
    const name = `${tenant}/${version}/${generation}`;
    const known = this.wrapping.get(name);
    if (known) return known;
    const { versions, generations } = this.keysOf(tenant);
    const [versionKey, generationKey] = [versions.get(version), generations.get(generation)];
    if (!versionKey || !generationKey) return undefined;
    const key = wrappingKeyFrom(versionKey, generationKey, place);
    this.wrapping.set(name, key);
    return key;
  }
}

function withBytes<T>(key: KeyObject, use: (bytes: Uint8Array) => T): T {
  const bytes = key.export();
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}
