import { Injectable } from '@nestjs/common';
import { Fault, type TenantId } from '#lib/core';
import { nonceBytes, seal } from '#lib/envelope';
import { DataKeys } from '#lib/keys/contract';
import { Clock, Random, Streams, Vault } from '#lib/ports';
import { type Template, TemplateStream, type TemplateTerms, templateKey } from './template.stream.js';
import { TemplateIdStream } from './template-id.stream.js';
import { TemplateRecords } from './template-records.js';
import { bindingOf } from './template-vault.js';

/** Notes of attempts: ids and times only. */
export const pendingCollection = 'pending';
const collection = pendingCollection;
const pageMax = 100;
const orphanedAfterMs = 60_000;

/** An attempt takes longer than this only when something hangs. It leaves the sweep as much time again to be wrong in. */
const attemptMaxMs = 30_000;

/** The attempt took so long that the sweep may already clear it away. Nothing was enrolled: send it again. */
export class AttemptTooSlow extends Fault {
  override readonly name = 'AttemptTooSlow';
}

/** What an attempt puts into vault and key table, under a name of its own. */
export interface Attempt {
  readonly keyId: string;
  readonly begunAt: Date;
}

interface Pending {
  readonly templateId: string;
}

/**
 * Attempts at enrolment. Key and ciphertext are stored before the fact that they belong to is decided, so each attempt
 * is noted first: what it left behind when it came to nothing, even by a crash, is found by its note and removed.
 */
@Injectable()
export class EnrolmentAttempts {
  constructor(
    private readonly vault: Vault,
    private readonly records: TemplateRecords,
    private readonly keys: DataKeys,
    private readonly streams: Streams,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Each attempt has a key of its own, so that no two templates ever shared one. */
  async begin(tenant: TenantId, templateId: string): Promise<Attempt> {
    const begunAt = this.clock.now();
    const keyId = `template-${this.random.uuid()}`;
    const note = { id: keyId, key: begunAt.toISOString(), sequence: 0, body: { templateId } satisfies Pending };
    await this.vault.write(tenant, { collection, puts: [note], removes: [] });
    return { keyId, begunAt };
  }

  /** Seals the embedding under a new key. Both are durable once it resolved. The embedding is the caller's to overwrite. */
  async store(tenant: TenantId, terms: TemplateTerms, embedding: Float32Array): Promise<void> {
    const key = await this.keys.create(tenant, terms.keyId);
    const bytes = new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength);
    const sealed = seal(key, bytes, bindingOf(tenant, terms), this.random.bytes(nonceBytes));
    await this.records.put(tenant, terms.keyId, terms.templateId, sealed);
  }

  /** @throws AttemptTooSlow when it may no longer be decided on */
  assertTimely({ begunAt }: Attempt, now: Date): void {
    if (now.getTime() - begunAt.getTime() > attemptMaxMs) throw new AttemptTooSlow();
  }

  /** The template is enrolled, and the note of no use any more. */
  async settle(tenant: TenantId, keyId: string): Promise<void> {
    await this.vault.write(tenant, { collection, puts: [], removes: [keyId] });
  }

  /** As `settle`, but nobody waits: a note that stays is settled by the sweep. */
  settleLater(tenant: TenantId, keyId: string): void {
    this.settle(tenant, keyId).catch(() => undefined);
  }

  /** Nothing was enrolled: what was stored for it goes, the note last. */
  async abandon(tenant: TenantId, keyId: string): Promise<void> {
    await this.keys.erase(tenant, [keyId]);
    await this.records.remove(tenant, [keyId]);
    await this.settle(tenant, keyId);
  }

  /** Ends the attempts that nobody is at any more; answers how many had come to nothing. */
  async sweep(tenant: TenantId): Promise<number> {
    const below = new Date(this.clock.now().getTime() - orphanedAfterMs).toISOString();
    let abandoned = 0;
    for (let after: { readonly key: string; readonly id: string } | undefined; ; ) {
      const page = await this.vault.range<Pending>(tenant, collection, {
        from: '',
        below,
        ...(after && { after }),
        limit: pageMax,
      });
      for (const { id, body } of page) {
        if (await this.enrolled(tenant, body.templateId, id)) await this.settle(tenant, id);
        else {
          await this.abandon(tenant, id);
          abandoned += 1;
        }
      }
      after = page.at(-1);
      if (!after || page.length < pageMax) return abandoned;
    }
  }

  private async enrolled(tenant: TenantId, templateId: string, keyId: string): Promise<Template | undefined> {
    const { state: owner } = await this.streams.load(tenant, TemplateIdStream, templateId);
    if (!owner) return undefined;
    const { state: templates } = await this.streams.load(tenant, TemplateStream, templateKey(owner));
    return templates.find(({ terms }) => terms.keyId === keyId);
  }
}
