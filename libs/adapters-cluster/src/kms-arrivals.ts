import { createHash } from 'node:crypto';
import { takeOverAt } from '#lib/adapters-system';
import type { TenantId } from '#lib/core';
import { dataKeyBytes, openHandOver, seedOf, type TakenKeys, transferPublicKey } from '#lib/envelope';
import { HandOverRefused, type Random, type TakeOver } from '#lib/ports';
import type { Arrival, Keyring, KmsKeyrings, RingKeys } from './kms-keyrings.js';
import type { KmsKeys } from './kms-keys.js';
import type { KmsRingKeys } from './kms-ring-keys.js';

/**
 * How a tenant's keys come from another key service: awaited, taken over, admitted. All of it lies in the keyring, so that
 * any process may go on with it.
 *
 * The private half of what they are sealed to is under an erasable key of its own, and that is destroyed before the
 * keyring forgets it: no copy of the keyring, and no journal, opens what was handed over once it is in use.
 */
export class KmsArrivals {
  constructor(
    private readonly rings: KmsKeyrings,
    private readonly keys: KmsRingKeys,
    private readonly kms: KmsKeys,
    private readonly random: Random,
  ) {}

  async receive(tenant: TenantId): Promise<Uint8Array> {
    let made: { readonly arrival: Arrival; readonly publicKey: Uint8Array } | undefined;
    const publicKey = await this.rings.change(tenant, async ({ keys, arrival }) => {
      if (keys) throw new HandOverRefused(`${tenant} has keys here already`);
      if (arrival) return { answer: await this.publicKeyOf(tenant, arrival) };
      made ??= await this.makeTransfer(tenant);
      return { ring: { arrival: made.arrival }, answer: made.publicKey };
    });
    if (made && !made.publicKey.every((byte, at) => byte === publicKey[at])) await this.destroy(tenant, made.arrival);
    return publicKey;
  }

  async takeOver(tenant: TenantId, sealed: Uint8Array): Promise<TakeOver> {
    const handOver = createHash('sha256').update(sealed).digest('hex');
    let made: (RingKeys & { readonly handOver: string }) | undefined;
    const { taken, opened } = await this.rings.change(tenant, async ({ keys, arrival }) => {
      if (!arrival || keys) throw new HandOverRefused(`no keys of ${tenant} are awaited here`);
      const opened = await this.open(tenant, arrival, sealed);
      if (arrival.taken?.handOver === handOver) return { answer: { taken: arrival.taken, opened } };
      if (arrival.taken) await this.destroyTaken(tenant, arrival);
      made ??= { ...(await this.makeTaken(tenant, opened)), handOver };
      return { ring: { arrival: { ...arrival, taken: made } }, answer: { taken: made, opened } };
    });
    const [version, generation] = [taken.versions.at(-1), taken.generations.at(-1)];
    if (!version || !generation) throw new Error('what was taken over has no keys');
    return takeOverAt(await this.keys.openBoth(tenant, { version, generation }), opened.transfer, this.random);
  }

  /**
   * In use first, and then the private half destroyed: were it the other way round, an admission that stopped in between
   * could not be gone on with, as nobody could take over again. The next one ends what is left.
   */
  async admit(tenant: TenantId): Promise<void> {
    await this.rings.change(tenant, async ({ keys, arrival }) => {
      if (keys) return { answer: undefined };
      if (!arrival?.taken) throw new HandOverRefused(`no keys of ${tenant} were taken over`);
      const { taken, ...left } = arrival;
      const { handOver: _, ...admitted } = taken;
      return { ring: { keys: admitted, arrival: left }, answer: undefined };
    });
    await this.rings.change(tenant, async ({ keys, arrival }) => {
      if (!arrival) return { answer: undefined };
      await this.destroy(tenant, arrival);
      return { ring: { keys }, answer: undefined };
    });
  }

  dismiss(tenant: TenantId): Promise<void> {
    return this.rings.change(tenant, async ({ keys, arrival }) => {
      if (!arrival) return { answer: undefined };
      await this.destroy(tenant, arrival);
      await this.destroyTaken(tenant, arrival);
      const ring: Keyring = { keys };
      return { ring, answer: undefined };
    });
  }

  private async makeTransfer(tenant: TenantId) {
    const erasableId = await this.keys.makeErasable(tenant);
    const secret = this.random.bytes(dataKeyBytes);
    try {
      const publicKey = new Uint8Array(transferPublicKey(secret));
      return {
        arrival: { erasableId, transfer: await this.kms.seal(secret, transferOf(tenant), erasableId) },
        publicKey,
      };
    } finally {
      secret.fill(0);
    }
  }

  private async publicKeyOf(tenant: TenantId, { transfer, erasableId }: Arrival): Promise<Uint8Array> {
    const secret = await this.kms.open(transfer, transferOf(tenant), erasableId);
    try {
      return new Uint8Array(transferPublicKey(secret));
    } finally {
      secret.fill(0);
    }
  }

  private async open(tenant: TenantId, { transfer, erasableId }: Arrival, sealed: Uint8Array) {
    const secret = await this.kms.open(transfer, transferOf(tenant), erasableId);
    try {
      const opened = openHandOver(tenant, secret, sealed);
      if (opened.ok) return opened;
    } finally {
      secret.fill(0);
    }
    throw new HandOverRefused(`this was not sealed to the key that awaits ${tenant} here, or altered`);
  }

  private async makeTaken(tenant: TenantId, { keys }: TakenKeys & { readonly ok: true }): Promise<RingKeys> {
    const [secret, signing] = await Promise.all([
      this.keys.sealed(keys.secret.export(), tenant, 'secret'),
      this.keys.sealed(seedOf(keys.signing), tenant, 'signing'),
    ]);
    return this.keys.makeAll(tenant, keys, { secret, signing });
  }

  private destroy(tenant: TenantId, { erasableId, transfer }: Arrival): Promise<void> {
    return this.kms.destroyErasable(erasableId, transfer, transferOf(tenant));
  }

  private async destroyTaken(tenant: TenantId, { taken }: Arrival): Promise<void> {
    for (const generation of taken?.generations ?? []) await this.keys.destroyGeneration(tenant, generation);
  }
}

const transferOf = (tenant: TenantId) => ({ tenant, use: 'transfer', number: 1 }) as const;
