import { type KeyObject } from 'node:crypto';
import type { TenantId } from '#lib/core';
import {
  dataKeyBytes,
  dataKeyFrom,
  type SigningKey,
  signingKeyFrom,
  type WrappingPlace,
  wrappingKeyFrom,
} from '#lib/envelope';
import type { Random } from '#lib/ports';
import type { RingKeys, SealedGeneration, SealedKey } from './kms-keyrings.js';
import type { KmsKeys } from './kms-keys.js';

/** The keys that wrap at a place, as they are stored. */
export interface SealedPlace {
  readonly version: SealedKey;
  readonly generation: SealedGeneration;
}

/** What a ring's keys are: how each is made, opened and destroyed. */
export class KmsRingKeys {
  constructor(
    private readonly kms: KmsKeys,
    private readonly random: Random,
  ) {}

  async makeVersion(tenant: TenantId, number: number): Promise<SealedKey> {
    return { number, sealed: await this.kms.make({ tenant, use: 'version', number }) };
  }

  makeErasable(tenant: TenantId): Promise<string> {
    return this.kms.makeErasable(tenant);
  }

  /** Under an erasable key that nothing else is under. */
  async makeGeneration(tenant: TenantId, number: number, erasableId: string): Promise<SealedGeneration> {
    return { number, erasableId, sealed: await this.kms.make({ tenant, use: 'generation', number }, erasableId) };
  }

  /** Whatever was wrapped under it opens nowhere from now on. May be repeated. */
  destroyGeneration(tenant: TenantId, { number, erasableId, sealed }: SealedGeneration): Promise<void> {
    return this.kms.destroyErasable(erasableId, sealed, { tenant, use: 'generation', number });
  }

  /** The key that wraps under both. */
  async openPlace(tenant: TenantId, sealed: SealedPlace): Promise<KeyObject> {
    const { versionKey, generationKey, ...place } = await this.openBoth(tenant, sealed);
    return wrappingKeyFrom(versionKey, generationKey, place);
  }

  async openBoth(
    tenant: TenantId,
    { version, generation }: SealedPlace,
  ): Promise<WrappingPlace & { readonly versionKey: KeyObject; readonly generationKey: KeyObject }> {
    const [versionBytes, generationBytes] = await Promise.all([
      this.kms.open(version.sealed, { tenant, use: 'version', number: version.number }),
      this.kms.open(generation.sealed, { tenant, use: 'generation', number: generation.number }, generation.erasableId),
    ]);
    const [versionKey, generationKey] = [dataKeyFrom(versionBytes), dataKeyFrom(generationBytes)];
    return { tenant, version: version.number, generation: generation.number, versionKey, generationKey };
  }

  makeSecret(tenant: TenantId): Promise<Uint8Array> {
    return this.kms.make({ tenant, use: 'secret', number: 1 });
  }

  async openSecret(tenant: TenantId, sealed: Uint8Array): Promise<KeyObject> {
    return dataKeyFrom(await this.kms.open(sealed, { tenant, use: 'secret', number: 1 }));
  }

  /** KMS has no Ed25519: the key is made here, and sealed there. */
  makeSigning(tenant: TenantId): Promise<Uint8Array> {
    return this.sealed(this.random.bytes(dataKeyBytes), tenant, 'signing');
  }

  async openSigning(tenant: TenantId, sealed: Uint8Array): Promise<SigningKey> {
    return signingKeyFrom(await this.kms.open(sealed, { tenant, use: 'signing', number: 1 }));
  }

  /** Seals bytes of a secret or of a signing key's seed, and zeroes them. */
  async sealed(bytes: Uint8Array, tenant: TenantId, use: 'secret' | 'signing'): Promise<Uint8Array> {
    try {
      return await this.kms.seal(bytes, { tenant, use, number: 1 });
    } finally {
      bytes.fill(0);
    }
  }

  /** Everything a tenant begins with, or goes on with: under numbers of another key service's. */
  async makeAll(
    tenant: TenantId,
    { version, generation }: { readonly version: number; readonly generation: number },
    given?: { readonly secret: Uint8Array; readonly signing: Uint8Array },
  ): Promise<RingKeys> {
    const erasableId = await this.makeErasable(tenant);
    const [versionKey, generationKey, secret, signing] = await Promise.all([
      this.makeVersion(tenant, version),
      this.makeGeneration(tenant, generation, erasableId),
      given?.secret ?? this.makeSecret(tenant),
      given?.signing ?? this.makeSigning(tenant),
    ]);
    return { versions: [versionKey], generations: [generationKey], secret, signing };
  }
}
