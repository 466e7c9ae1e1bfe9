import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { dataKeyBytes } from '#lib/envelope';
import { KeysUnavailable, type Random } from '#lib/ports';
import { type KmsCalls, KmsRefusal, type Patience, unsettled } from './kms-calls.js';

/** On every key that is made here: of which tenant. */
export const tenantTag = 'lethe-tenant';
/** The least that KMS allows, for a key that is empty by then. */
const deletionDays = 7;
/** KMS takes one request for import parameters in four seconds: who makes several such keys at once has to wait. */
const making: Patience = { also: unsettled, times: 20 };

/** What a ciphertext is bound to in KMS, and shows in its audit trail: which key of a tenant's it is. */
export interface KeyContext {
  readonly tenant: string;
  readonly use: 'version' | 'generation' | 'secret' | 'signing' | 'transfer';
  readonly number: number;
}

/**
 * Keys of tenants as KMS makes, seals, opens and destroys them. All but generation keys are sealed under the root key.
 *
 * An *erasable* key is a key of KMS's own with material that was imported, and that is deleted again for good: KMS has no
 * copy, and nobody else ever had one (KEY-3). What was sealed under it is noise from then on, wherever it was copied to.
 */
export class KmsKeys {
  private lastMade: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly calls: KmsCalls,
    private readonly rootKeyId: string,
    private readonly random: Random,
  ) {}

  /** A new key of 32 bytes, sealed; KMS alone has seen it. */
  async make(context: KeyContext, under = this.rootKeyId): Promise<Uint8Array> {
    const input = { KeyId: under, NumberOfBytes: dataKeyBytes, EncryptionContext: pairsOf(context) };
    const patience = under === this.rootKeyId ? {} : { also: unsettled };
    const made = await this.calls.send(
      (kms, options) => kms.send(new GenerateDataKeyWithoutPlaintextCommand(input), options),
      patience,
    );
    return present(made.CiphertextBlob);
  }

  /** Bytes of the caller's, sealed; they stay the caller's to zero. */
  async seal(bytes: Uint8Array, context: KeyContext, under = this.rootKeyId): Promise<Uint8Array> {
    const input = { KeyId: under, Plaintext: bytes, EncryptionContext: pairsOf(context) };
    const patience = under === this.rootKeyId ? {} : { also: unsettled };
    const sealed = await this.calls.send((kms, options) => kms.send(new EncryptCommand(input), options), patience);
    return present(sealed.CiphertextBlob);
  }

  /** The caller's to zero. @throws KmsRefusal when it is not what was sealed, or its key is gone */
  async open(sealed: Uint8Array, context: KeyContext, under = this.rootKeyId): Promise<Buffer> {
    const input = { KeyId: under, CiphertextBlob: sealed, EncryptionContext: pairsOf(context) };
    const opened = present(
      (await this.calls.send((kms, options) => kms.send(new DecryptCommand(input), options))).Plaintext,
    );
    return Buffer.from(opened.buffer, opened.byteOffset, opened.byteLength);
  }

  /**
   * Its id; one after another, as KMS takes few at once. A crash before the id is stored leaves a key that nothing is
   * under: its tag names the tenant.
   */
  makeErasable(tenant: string): Promise<string> {
    const made = this.lastMade.catch(() => undefined).then(() => this.makeErasableNow(tenant));
    this.lastMade = made;
    return made;
  }

  /**
   * Destroys an erasable key: resolves once KMS was seen to open nothing with it any more. `sealed` is something under it.
   * May be repeated, wherever it stopped.
   */
  async destroyErasable(KeyId: string, sealed: Uint8Array, context: KeyContext): Promise<void> {
    const remove = () =>
      this.calls.send((kms, options) => kms.send(new DeleteImportedKeyMaterialCommand({ KeyId }), options));
    try {
      await remove();
    } catch (error) {
      if (isRefused(error, 'NotFoundException')) return;
      if (!isRefused(error, 'KMSInvalidStateException')) throw error;
      // It is to be deleted in some days, and may have its material until then: without that state it can be removed.
      await this.calls
        .send((kms, options) => kms.send(new CancelKeyDeletionCommand({ KeyId }), options))
        .catch(unlessInvalidState);
      await remove();
    }
    await this.seeClosed(KeyId, sealed, context);
    const input = { KeyId, PendingWindowInDays: deletionDays };
    await this.calls
      .send((kms, options) => kms.send(new ScheduleKeyDeletionCommand(input), options))
      .catch(unlessInvalidState);
  }

  /** @throws KeysUnavailable when the root key is not one that can be used now */
  async checkRoot(): Promise<void> {
    const KeyId = this.rootKeyId;
    const found = await this.calls.send((kms, options) => kms.send(new DescribeKeyCommand({ KeyId }), options));
    const state = found.KeyMetadata?.KeyState;
    if (state !== 'Enabled') throw new KeysUnavailable(`the root key in KMS is ${state}`);
  }

  private async makeErasableNow(tenant: string): Promise<string> {
    const Description = `Lethe: wraps keys of ${tenant}, until what was erased there is forgotten`;
    const Tags = [{ TagKey: tenantTag, TagValue: tenant }];
    const created = await this.calls.send((kms, options) =>
      kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL', Description, Tags }), options),
    );
    const KeyId = present(created.KeyMetadata?.KeyId);
    const wanted = { KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' } as const;
    const { PublicKey, ImportToken } = await this.calls.send(
      (kms, options) => kms.send(new GetParametersForImportCommand(wanted), options),
      making,
    );
    const material = this.random.bytes(dataKeyBytes);
    const EncryptedKeyMaterial = publicEncrypt(
      {
        key: createPublicKey({ key: Buffer.from(present(PublicKey)), format: 'der', type: 'spki' }),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: 'sha256',
      },
      material,
    );
    material.fill(0);
    const imported = {
      KeyId,
      ImportToken,
      EncryptedKeyMaterial,
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    } as const;
    await this.calls.send((kms, options) => kms.send(new ImportKeyMaterialCommand(imported), options), making);
    return KeyId;
  }

  private async seeClosed(KeyId: string, sealed: Uint8Array, context: KeyContext): Promise<void> {
    const input = { KeyId, CiphertextBlob: sealed, EncryptionContext: pairsOf(context) };
    try {
      await this.calls.send(async (kms, options) => {
        const { Plaintext } = await kms.send(new DecryptCommand(input), options);
        Plaintext?.fill(0);
        // Not all of KMS knows yet that it is gone: this is asked again until it does.
        throw new Error(`a key of ${context.tenant} that was destroyed still opens`);
      });
    } catch (error) {
      if (error instanceof KmsRefusal && closed.has(error.code)) return;
      throw error;
    }
  }
}

const closed = new Set(['KMSInvalidStateException', 'NotFoundException']);

export const isRefused = (error: unknown, code: string): boolean => error instanceof KmsRefusal && error.code === code;

/** As a request is answered that was carried out before, its answer lost. */
const unlessInvalidState = (error: unknown): void => {
  if (!isRefused(error, 'KMSInvalidStateException')) throw error;
};

const pairsOf = ({ tenant, use, number }: KeyContext) => ({ tenant, use, number: `${number}` });

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new KeysUnavailable('KMS answered less than was asked');
  return value;
}
