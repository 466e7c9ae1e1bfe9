import { type KeyObject, sign } from 'node:crypto';
import type { Connection } from 'mongoose';
import { handOverTo } from '#lib/adapters-system';
import type { TenantId } from '#lib/core';
import { nonceBytes, secretFrom, unwrapAt, versionOf, wrapAt } from '#lib/envelope';
import { type Clock, type KeyEntry, KeyService, KeysUnavailable, type Random, type TakeOver } from '#lib/ports';
import type { KmsPlace } from './cluster-settings.js';
import { KmsArrivals } from './kms-arrivals.js';
import { KmsCalls, type KmsReadings, KmsRefusal } from './kms-calls.js';
import { type Keyring, KmsKeyrings, type RingKeys, type SealedGeneration, type SealedKey } from './kms-keyrings.js';
import { KmsKeys } from './kms-keys.js';
import { KmsRingKeys, type SealedPlace } from './kms-ring-keys.js';
import { OpenedKeys } from './opened-keys.js';

const openedMax = 2_000;
/** How long an opened key serves before KMS is asked again whether it still may. */
const openedAgeMaxMs = 60_000;

export interface KmsKeyServiceSettings {
  readonly kms: KmsPlace;
  /** To the database of keys. Stays the caller's to close. */
  readonly connection: Connection;
  readonly random: Random;
  readonly ticks: Clock;
}

/**
 * KeyService over AWS KMS: every key of a tenant is sealed by KMS and lies so in its keyring, a document in MongoDB that
 * every process reads and changes. Copied from there, now or in any backup, it opens nothing without KMS.
 *
 * A generation is under a KMS key of its own with imported material. Destroying it deletes that material, sees that KMS
 * opens nothing with it any more, and only then lets the keyring forget it; wherever that stops, the next one goes on.
 *
 * KMS is not asked per wrapping: opened keys stay in memory for 60 s at most, and a keyring for 5 s. So after a process
 * destroyed a generation, another one opens old wrappings for 5 s more, and memory holds its key for 60 s more; whoever
 * revokes a key in KMS itself waits 60 s. New wrappings always go by the keyring as it stands.
 */
export class KmsKeyService extends KeyService {
  private readonly calls: KmsCalls;
  private readonly kms: KmsKeys;
  private readonly keys: KmsRingKeys;
  private readonly rings: KmsKeyrings;
  private readonly arrivals: KmsArrivals;
  private readonly opened: OpenedKeys;
  private readonly random: Random;

  private constructor({ kms, connection, random, ticks }: KmsKeyServiceSettings) {
    super();
    this.random = random;
    this.calls = new KmsCalls(kms, random, ticks);
    this.kms = new KmsKeys(this.calls, kms.rootKeyId, random);
    this.keys = new KmsRingKeys(this.kms, random);
    this.rings = new KmsKeyrings(connection, ticks);
    this.arrivals = new KmsArrivals(this.rings, this.keys, this.kms, random);
    this.opened = new OpenedKeys(openedMax, openedAgeMaxMs, ticks);
  }

  /** @throws KeysUnavailable when the root key is not there, or cannot be used */
  static async open(settings: KmsKeyServiceSettings): Promise<KmsKeyService> {
    const service = new KmsKeyService(settings);
    try {
      await service.check();
    } catch (error) {
      service.close();
      throw error;
    }
    return service;
  }

  /** Requests to KMS, since the process began. */
  get readings(): Readonly<KmsReadings> {
    return this.calls.readings;
  }

  async provision(tenant: TenantId): Promise<void> {
    if ((await this.rings.recent(tenant)).keys) return;
    let made: RingKeys | undefined;
    const stored = await this.rings.change(tenant, async ({ keys, arrival }) => {
      if (keys) return { answer: keys };
      if (arrival) throw new KeysUnavailable(`the keys of ${tenant} are awaited from elsewhere`);
      made ??= await this.keys.makeAll(tenant, { version: 1, generation: 1 });
      return { ring: { keys: made }, answer: made };
    });
    const [mine] = made?.generations ?? [];
    // Another process was first, and what was made here is under nothing that anybody will ever see.
    if (mine && !isThere(stored, mine)) await this.keys.destroyGeneration(tenant, mine).catch(() => undefined);
  }

  async wrap(tenant: TenantId, keyId: string, key: Uint8Array): Promise<KeyEntry> {
    return this.wrapIn(keysOf(tenant, await this.rings.read(tenant)), tenant, keyId, key);
  }

  async unwrap(tenant: TenantId, { keyId, generation, wrapped }: KeyEntry): Promise<KeyObject | undefined> {
    const recent = keysOf(tenant, await this.rings.recent(tenant));
    const version = versionOf(wrapped);
    if (version === undefined) return undefined;
    const isLater = generation > newestOf(recent.generations).number || version > newestOf(recent.versions).number;
    const keys = isLater ? keysOf(tenant, await this.rings.read(tenant)) : recent;
    const kek = await this.openingKey(tenant, keys, version, generation);
    return kek && unwrapAt({ tenant, version, generation }, kek, keyId, wrapped);
  }

  /** By the keyring of the last 5 s: whoever closes a generation has just read it, and wraps thousands. */
  async rewrap(tenant: TenantId, entry: KeyEntry): Promise<KeyEntry | undefined> {
    const key = await this.unwrap(tenant, entry);
    if (!key) return undefined;
    const bytes = key.export();
    try {
      return await this.wrapIn(keysOf(tenant, await this.rings.recent(tenant)), tenant, entry.keyId, bytes);
    } finally {
      bytes.fill(0);
    }
  }

  async generations(tenant: TenantId): Promise<readonly number[]> {
    return keysOf(tenant, await this.rings.read(tenant)).generations.map(({ number }) => number);
  }

  async openGeneration(tenant: TenantId): Promise<number> {
    let erasableId: string | undefined;
    return this.rings.change(tenant, async (ring) => {
      const keys = keysOf(tenant, ring);
      const mine = keys.generations.find((each) => each.erasableId === erasableId);
      if (mine) return { answer: mine.number };
      const next = newestOf(keys.generations).number + 1;
      erasableId ??= await this.keys.makeErasable(tenant);
      const generations = [...keys.generations, await this.keys.makeGeneration(tenant, next, erasableId)];
      return { ring: { ...ring, keys: { ...keys, generations } }, answer: next };
    });
  }

  /** First the keyring says that they open nothing any more, so that no crash leaves some that do now and then. */
  async destroyGenerations(tenant: TenantId, below: number): Promise<void> {
    const doomed = await this.rings.change(tenant, async (ring) => {
      const keys = keysOf(tenant, ring);
      if (!(below <= newestOf(keys.generations).number)) throw new Error('the open generation stays');
      const answer = keys.generations.filter(({ number }) => number < below);
      if (answer.every(({ isClosing }) => isClosing)) return { answer };
      const generations = keys.generations.map((each) => (each.number < below ? { ...each, isClosing: true } : each));
      return { ring: { ...ring, keys: { ...keys, generations } }, answer };
    });
    this.opened.forget(`${tenant}/wrapping/`);
    if (doomed.length === 0) return;
    for (const generation of doomed) await this.keys.destroyGeneration(tenant, generation);
    await this.rings.change(tenant, async (ring) => {
      const keys = keysOf(tenant, ring);
      const generations = keys.generations.filter((each) => !doomed.some(({ number }) => number === each.number));
      if (generations.length === keys.generations.length) return { answer: undefined };
      return { ring: { ...ring, keys: { ...keys, generations } }, answer: undefined };
    });
  }

  rotate(tenant: TenantId): Promise<number> {
    let made: SealedKey | undefined;
    return this.rings.change(tenant, async (ring) => {
      const keys = keysOf(tenant, ring);
      const mine = keys.versions.find(({ number, sealed }) => number === made?.number && isSame(sealed, made.sealed));
      if (mine) return { answer: mine.number };
      made = await this.keys.makeVersion(tenant, newestOf(keys.versions).number + 1);
      return { ring: { ...ring, keys: { ...keys, versions: [...keys.versions, made] } }, answer: made.number };
    });
  }

  async secret(tenant: TenantId, label: string): Promise<KeyObject> {
    return secretFrom(await this.secretOf(tenant), label);
  }

  async sign(tenant: TenantId, bytes: Uint8Array) {
    const { key, jwk } = await this.signingOf(tenant);
    return { kid: jwk.kid, signature: sign(null, bytes, key) };
  }

  /** Of the private key that KMS opens, not of the keyring: what stands there could be anybody's. */
  async publicKeys(tenant: TenantId) {
    return [{ ...(await this.signingOf(tenant)).jwk }];
  }

  receive(tenant: TenantId): Promise<Uint8Array> {
    return this.arrivals.receive(tenant);
  }

  async handOver(tenant: TenantId, to: Uint8Array) {
    const keys = keysOf(tenant, await this.rings.read(tenant));
    const [version, generation] = [newestOf(keys.versions).number, newestOf(keys.generations).number];
    const [secret, signing] = await Promise.all([this.secretOf(tenant), this.signingOf(tenant)]);
    const handed = { version, generation, secret, signing };
    return handOverTo(to, tenant, handed, (entry) => this.unwrap(tenant, entry), this.random);
  }

  takeOver(tenant: TenantId, sealed: Uint8Array): Promise<TakeOver> {
    return this.arrivals.takeOver(tenant, sealed);
  }

  admit(tenant: TenantId): Promise<void> {
    return this.arrivals.admit(tenant);
  }

  dismiss(tenant: TenantId): Promise<void> {
    return this.arrivals.dismiss(tenant);
  }

  /** Asks KMS for the root key, and MongoDB whether it answers. */
  async check(): Promise<void> {
    await Promise.all([this.kms.checkRoot(), this.rings.check()]);
  }

  close(): void {
    this.opened.forget('');
    this.calls.close();
  }

  private async wrapIn(keys: RingKeys, tenant: TenantId, keyId: string, key: Uint8Array): Promise<KeyEntry> {
    const sealed = { version: newestOf(keys.versions), generation: newestOf(keys.generations) };
    const [version, generation] = [sealed.version.number, sealed.generation.number];
    const kek = await this.wrappingKey(tenant, sealed);
    const place = { tenant, version, generation };
    return { keyId, generation, wrapped: wrapAt(place, kek, keyId, key, this.random.bytes(nonceBytes)) };
  }

  /** Undefined where it is gone; where KMS refuses it, another process may have destroyed it a moment ago. */
  private async openingKey(tenant: TenantId, keys: RingKeys, version: number, generation: number) {
    const sealed = placeIn(keys, version, generation);
    if (!sealed) return undefined;
    try {
      return await this.wrappingKey(tenant, sealed);
    } catch (error) {
      if (!(error instanceof KmsRefusal)) throw error;
      if (placeIn(keysOf(tenant, await this.rings.read(tenant)), version, generation)) throw error;
      return undefined;
    }
  }

  private wrappingKey(tenant: TenantId, sealed: SealedPlace): Promise<KeyObject> {
    const name = `${tenant}/wrapping/${sealed.version.number}/${sealed.generation.number}`;
    return this.opened.get(name, () => this.keys.openPlace(tenant, sealed));
  }

  private async secretOf(tenant: TenantId): Promise<KeyObject> {
    const { secret } = keysOf(tenant, await this.rings.recent(tenant));
    return this.opened.get(`${tenant}/secret`, () => this.keys.openSecret(tenant, secret));
  }

  private async signingOf(tenant: TenantId) {
    const { signing } = keysOf(tenant, await this.rings.recent(tenant));
    return this.opened.get(`${tenant}/signing`, () => this.keys.openSigning(tenant, signing));
  }
}

function keysOf(tenant: TenantId, { keys, arrival }: Keyring): RingKeys {
  if (keys) return keys;
  throw new KeysUnavailable(arrival ? `the keys of ${tenant} are awaited from elsewhere` : `${tenant} has no keys`);
}

function newestOf<K extends SealedKey>(keys: readonly K[]): K {
  const newest = keys.at(-1);
  if (!newest) throw new KeysUnavailable('a keyring is empty');
  return newest;
}

/** Undefined where one of them is gone, or going. */
function placeIn(keys: RingKeys, version: number, generation: number): SealedPlace | undefined {
  const found = {
    version: keys.versions.find(({ number }) => number === version),
    generation: keys.generations.find(({ number, isClosing }) => number === generation && !isClosing),
  };
  return found.version && found.generation && { version: found.version, generation: found.generation };
}

const isThere = (keys: RingKeys, { erasableId }: SealedGeneration) =>
  keys.generations.some((each) => each.erasableId === erasableId);

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
