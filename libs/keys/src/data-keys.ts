import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import { dataKeyBytes, dataKeyFrom } from '#lib/envelope';
import { type KeyEntry, KeyService, KeyTable, Random, StaleGeneration } from '#lib/ports';

const attemptsMax = 5;

/**
 * Data keys: one for each template and each subject, random, kept wrapped in the key table and nowhere else.
 *
 * An opened key is never kept here, so an erased one is at once unusable (P2, P5). Whoever got it drops it after use.
 * @throws KeysUnavailable, StoreUnavailable from every call: then nothing that needs the key may go on
 */
@Injectable()
export class DataKeys {
  /** Reads under way. They end in a millisecond, and nobody who comes after a write joins one from before it. */
  private readonly opening = new Map<string, Promise<KeyObject | undefined>>();

  constructor(
    private readonly keyService: KeyService,
    private readonly table: KeyTable,
    private readonly random: Random,
  ) {}

  /**
   * The key of this id, made now if there is none; durable once it resolved. Of two makers at once both get the same key.
   * @throws Error while an entry stands there that nothing opens any more: the next closing of a generation removes it
   */
  async create(tenant: TenantId, keyId: string): Promise<KeyObject> {
    const existing = await this.read(tenant, keyId);
    if (existing) return existing;
    const bytes = this.random.bytes(dataKeyBytes);
    try {
      await this.store(tenant, keyId, bytes);
      return dataKeyFrom(bytes);
    } catch (error) {
      // The table takes no second key under one id: another maker may have been first.
      const first = await this.read(tenant, keyId);
      if (first) return first;
      throw error;
    } finally {
      bytes.fill(0);
      this.opening.delete(placeOf(tenant, keyId));
    }
  }

  /** Undefined: erased, or never made. Opened at once by many, it is read once. */
  open(tenant: TenantId, keyId: string): Promise<KeyObject | undefined> {
    const place = placeOf(tenant, keyId);
    const begun = this.opening.get(place);
    if (begun) return begun;
    const opened = this.read(tenant, keyId).finally(() => {
      if (this.opening.get(place) === opened) this.opening.delete(place);
    });
    this.opening.set(place, opened);
    return opened;
  }

  /** From here on nobody opens them. Older copies of the table end with their generation: see `Generations`. */
  async erase(tenant: TenantId, keyIds: readonly string[]): Promise<void> {
    await this.table.erase(tenant, keyIds);
    for (const keyId of keyIds) this.opening.delete(placeOf(tenant, keyId));
  }

  /** Whether nothing that is left opens it: asks table and keys afresh, as a prober must. */
  async isErased(tenant: TenantId, keyId: string): Promise<boolean> {
    return (await this.read(tenant, keyId)) === undefined;
  }

  private async read(tenant: TenantId, keyId: string): Promise<KeyObject | undefined> {
    let entry = await this.table.get(tenant, keyId);
    while (entry) {
      const key = await this.keyService.unwrap(tenant, entry);
      if (key) return key;
      // Its generation may have been closed since it was read; then it stands there anew, under a later one.
      const now: KeyEntry | undefined = await this.table.get(tenant, keyId);
      if (!now || now.generation <= entry.generation) return undefined;
      entry = now;
    }
    return undefined;
  }

  private async store(tenant: TenantId, keyId: string, bytes: Uint8Array): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.table.put(tenant, await this.keyService.wrap(tenant, keyId, bytes));
      } catch (error) {
        if (!(error instanceof StaleGeneration) || attempt === attemptsMax) throw error;
      }
    }
  }
}

const placeOf = (tenant: TenantId, keyId: string) => `${tenant}/${keyId}`;
