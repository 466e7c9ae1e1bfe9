import { Fault, type TenantId } from '#lib/core';

/** A data key as it is stored: wrapped under the tenant's key and a generation key, and opened by neither alone. */
export interface KeyEntry {
  /** Names the data key for ever; at most 100 characters. */
  readonly keyId: string;
  /** The generation key it is wrapped under: 1, 2, 3 ... */
  readonly generation: number;
  /** At most 500 bytes. */
  readonly wrapped: Uint8Array;
}

/** The entry is of a generation that is being closed: wrap the key under the open one and put it again. */
export class StaleGeneration extends Fault {
  override readonly name = 'StaleGeneration';
}

/**
 * The only place where wrapped data keys are kept, apart from all that they open and with a backup life of its own.
 *
 * Durable: what resolved survives a crash. Erasable: an erased entry is in no live file of the table once `erase`
 * resolved. Older copies of the table (journals, snapshots, backups) keep it until its generation is closed.
 */
export abstract class KeyTable {
  /**
   * Stores an entry. The same entry again is no error; another one under a known id throws.
   * @throws StaleGeneration when its generation is below the floor
   */
  abstract put(tenant: TenantId, entry: KeyEntry): Promise<void>;

  abstract get(tenant: TenantId, keyId: string): Promise<KeyEntry | undefined>;

  /** Entries go for good. Erasing what is not there is no error. */
  abstract erase(tenant: TenantId, keyIds: readonly string[]): Promise<void>;

  /** At most `limit` entries of generations below `generation`, in the order of their ids, after `afterKeyId`. */
  abstract below(tenant: TenantId, generation: number, afterKeyId: string, limit: number): Promise<readonly KeyEntry[]>;

  /**
   * Puts entries in the place of older ones. One that is not there any more is passed over: nothing comes back.
   * @throws StaleGeneration when the generation of one of them is below the floor: then none was put
   */
  abstract replace(tenant: TenantId, entries: readonly KeyEntry[]): Promise<void>;

  /** From now on no entry of a generation below `generation` is taken. The floor never sinks. */
  abstract raiseFloor(tenant: TenantId, generation: number): Promise<void>;

  /** How many entries a tenant has. */
  abstract count(tenant: TenantId): Promise<number>;
}
