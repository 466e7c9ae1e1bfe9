import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { TenantId } from '#lib/core';
import { dataKeyBytes, dataKeyFrom, keyBinding, nonceBytes, unwrapKey, wrapKey } from '#lib/envelope';
import { type KeyEntry, KeyService, KeysUnavailable, type Random } from '#lib/ports';
import { rootKeyIn } from './root-key.js';
import { type AllKeys, SealedKeys, type TenantKeys } from './sealed-keys.js';

/** Format, key version, then the envelope's record. */
const format = 1;
const headBytes = 5;
const wrappingKeysMax = 1_000;

const newestOf = (numbered: Readonly<Record<string, string>>) => Math.max(...Object.keys(numbered).map(Number));
const { isInteger } = Number;

/**
 * KeyService in two files: `root.key`, and `keys.sealed` under it. Unwrapping never touches the disk; what changes keys
 * replaces the sealed file whole. A destroyed generation is gone from memory, and from the file as far as the file system
 * lets it go (see `replaceFile`).
 */
export class SealedFileKeyService extends KeyService {
  private readonly sealed: SealedKeys;
  private tenants: AllKeys;
  /** Keys that wrap, by tenant, version and generation. */
  private readonly wrapping = new LRUCache<string, KeyObject>({ max: wrappingKeysMax });

  /** @throws KeysUnavailable when either file is missing, damaged or of another pair; the message says which */
  constructor(
    file: string,
    rootKeyFile: string,
    private readonly random: Random,
  ) {
    super();
    this.sealed = new SealedKeys(file, rootKeyIn(rootKeyFile, !SealedKeys.isIn(file), random), random);
    this.tenants = this.sealed.read();
  }

  async provision(tenant: TenantId): Promise<void> {
    if (this.tenants[tenant]) return;
    const { privateKey } = generateKeyPairSync('ed25519');
    const signing = privateKey.export({ format: 'der', type: 'pkcs8' });
    this.replace(tenant, {
      versions: { 1: this.secretText() },
      generations: { 1: this.secretText() },
      secret: this.secretText(),
      signing: signing.toString('base64'),
    });
    signing.fill(0);
  }

  async wrap(tenant: TenantId, keyId: string, key: Uint8Array): Promise<KeyEntry> {
    const { versions, generations } = this.keysOf(tenant);
    const [version, generation] = [newestOf(versions), newestOf(generations)];
    const kek = this.wrappingKey(tenant, version, generation);
    if (!kek) throw new KeysUnavailable(`the keys of ${tenant} are incomplete`);
    const record = wrapKey(kek, key, bindingOf(tenant, keyId, version, generation), this.random.bytes(nonceBytes));
    const head = Buffer.alloc(headBytes);
    head.writeUInt8(format);
    head.writeUInt32BE(version, 1);
    return { keyId, generation, wrapped: Buffer.concat([head, record]) };
  }

  async unwrap(tenant: TenantId, { keyId, generation, wrapped }: KeyEntry): Promise<KeyObject | undefined> {
    this.keysOf(tenant);
    const bytes = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength);
    if (bytes.length <= headBytes || bytes.readUInt8() !== format) return undefined;
    const version = bytes.readUInt32BE(1);
    const kek = this.wrappingKey(tenant, version, generation);
    return kek && unwrapKey(kek, bytes.subarray(headBytes), bindingOf(tenant, keyId, version, generation));
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
    const numbers = Object.keys(this.keysOf(tenant).generations).map(Number);
    return numbers.sort((a, b) => a - b);
  }

  async openGeneration(tenant: TenantId): Promise<number> {
    const keys = this.keysOf(tenant);
    const next = newestOf(keys.generations) + 1;
    this.replace(tenant, { ...keys, generations: { ...keys.generations, [next]: this.secretText() } });
    return next;
  }

  async destroyGenerations(tenant: TenantId, below: number): Promise<void> {
    const keys = this.keysOf(tenant);
    if (!isInteger(below) || below > newestOf(keys.generations)) throw new Error('the open generation stays');
    const kept = Object.entries(keys.generations).filter(([generation]) => Number(generation) >= below);
    if (kept.length === Object.keys(keys.generations).length) return;
    this.replace(tenant, { ...keys, generations: Object.fromEntries(kept) });
    this.wrapping.clear();
  }

  async rotate(tenant: TenantId): Promise<number> {
    const keys = this.keysOf(tenant);
    const next = newestOf(keys.versions) + 1;
    this.replace(tenant, { ...keys, versions: { ...keys.versions, [next]: this.secretText() } });
    return next;
  }

  async secret(tenant: TenantId, label: string): Promise<KeyObject> {
    return derived(this.keysOf(tenant).secret, '', `lethe/secret/${label}`);
  }

  async sign(tenant: TenantId, bytes: Uint8Array) {
    const key = this.signingKey(tenant);
    return { kid: kidOf(key), signature: sign(null, bytes, key) };
  }

  async publicKeys(tenant: TenantId) {
    const key = this.signingKey(tenant);
    const { kty = '', crv = '', x = '' } = createPublicKey(key).export({ format: 'jwk' });
    return [{ kty, crv, x, kid: kidOf(key), alg: 'EdDSA', use: 'sig' }];
  }

  /** Reads both files again: they may have been lost or changed since the start. */
  async check(): Promise<void> {
    this.sealed.read();
  }

  private keysOf(tenant: TenantId): TenantKeys {
    const keys = this.tenants[tenant];
    if (!keys) throw new KeysUnavailable(`${tenant} has no keys`);
    return keys;
  }

  private replace(tenant: TenantId, keys: TenantKeys): void {
    const tenants = { ...this.tenants, [tenant]: keys };
    this.sealed.write(tenants);
    this.tenants = tenants;
  }

  private secretText(): string {
    const bytes = this.random.bytes(dataKeyBytes);
    const text = bytes.toString('base64');
    bytes.fill(0);
    return text;
  }

  /** Version and generation together: without either there is no key. */
  private wrappingKey(tenant: TenantId, version: number, generation: number): KeyObject | undefined {
    const place = `${tenant}/${version}/${generation}`;
    const known = this.wrapping.get(place);
    if (known) return known;
    const { versions, generations } = this.keysOf(tenant);
    const [versionKey, generationKey] = [versions[version], generations[generation]];
    if (!versionKey || !generationKey) return undefined;
    const key = derived(versionKey, generationKey, `lethe/wrapping/${place}`);
    this.wrapping.set(place, key);
    return key;
  }

  private signingKey(tenant: TenantId): KeyObject {
    const der = Buffer.from(this.keysOf(tenant).signing, 'base64');
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    return key;
  }
}

const bindingOf = (tenant: string, keyId: string, version: number, generation: number) =>
  keyBinding({ tenant, keyId, kekId: `${version}/${generation}` });

/** HKDF-SHA256 (RFC 5869) of one secret, salted with another where there are two. */
function derived(secret: string, salt: string, info: string): KeyObject {
  const ikm = createSecretKey(secret, 'base64');
  return dataKeyFrom(new Uint8Array(hkdfSync('sha256', ikm, Buffer.from(salt, 'base64'), info, dataKeyBytes)));
}

/** RFC 7638, RFC 8037. */
function kidOf(key: KeyObject): string {
  const { crv, kty, x } = createPublicKey(key).export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}
