import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { TenantId } from '#lib/core';
import { type AssociatedData, openInto, suite, templateBinding } from '#lib/envelope';
import { DataKeys } from '#lib/keys/contract';
import type { Template, TemplateTerms } from './template.stream.js';
import { TemplateRecords } from './template-records.js';

/** An opened template, which the caller overwrites once it was compared; or why there is none. */
export type OpenedTemplate =
  | { readonly ok: true; readonly embedding: Float32Array }
  | { readonly ok: false; readonly reason: 'erased' | 'unreadable' };

/** What a sealed template is bound to: in any other place, or under any other name, it does not open (KEY-2). */
export function bindingOf(tenant: TenantId, terms: TemplateTerms): AssociatedData {
  const { subjectId: subject, purposeId: purpose, templateId: template, keyId } = terms;
  const model = `${terms.model.id}@${terms.model.version}`;
  return templateBinding({ tenant, subject, purpose, template, model, suite, keyId });
}

/** What an opened template takes: its record as it was sealed, what it is bound to, and its key. */
interface Sealed {
  readonly keyId: string;
  readonly binding: AssociatedData;
  readonly record: Uint8Array;
  readonly key: KeyObject;
}

const rememberedMax = 5_000;
const rememberedMs = 10 * 60_000;

/**
 * Opens templates, one at a time and for one use; nothing that was opened is kept here.
 *
 * For who compares, record and key are remembered for ten minutes, sealed and apart, because a patient is checked several
 * times in one visit: reading and unwrapping cost more than comparing. An eviction ends that at once; whatever was decided
 * on a memory that should have ended is not stored, as an accept guards the template's stream (P2).
 * @throws KeysUnavailable, StoreUnavailable when keys or vault cannot be read
 */
@Injectable()
export class TemplateVault {
  private readonly remembered = new LRUCache<string, Sealed>({
    max: rememberedMax,
    ttl: rememberedMs,
    dispose: ({ record }) => record.fill(0),
  });
  /** How often all was forgotten: what was being read meanwhile is forgotten, too. */
  private forgettings = 0;

  constructor(
    private readonly records: TemplateRecords,
    private readonly keys: DataKeys,
  ) {}

  /** `erased`: its key or its record is gone. `unreadable`: what is there is not what was sealed. */
  async open(tenant: TenantId, { terms }: Template): Promise<OpenedTemplate> {
    return opened(terms, await this.read(tenant, terms));
  }

  /**
   * As `open`, and remembers how. Only for a node that is asked to evict, and only until it acknowledges: it calls
   * `forget` when no such call is under way. One that is under way at `forgetAll` opens nothing: `unreadable`.
   */
  async openAgain(tenant: TenantId, { terms }: Template): Promise<OpenedTemplate> {
    const place = placeOf(tenant, terms.templateId);
    const known = this.remembered.get(place);
    // A key seals one template, once: what is bound to it is the same whenever it is asked for.
    if (known?.keyId === terms.keyId) return opened(terms, known);
    const { forgettings } = this;
    const sealed = await this.read(tenant, terms);
    if (forgettings !== this.forgettings) {
      sealed?.record.fill(0);
      return { ok: false, reason: 'unreadable' };
    }
    if (sealed) this.remembered.set(place, sealed);
    return opened(terms, sealed);
  }

  forget(tenant: TenantId, templateId: string): void {
    this.remembered.delete(placeOf(tenant, templateId));
  }

  /** Overwrites and forgets everything before it returns. */
  forgetAll(): void {
    this.forgettings += 1;
    this.remembered.clear();
  }

  remembers(tenant: TenantId, templateId: string): boolean {
    return this.remembered.has(placeOf(tenant, templateId));
  }

  private async read(tenant: TenantId, terms: TemplateTerms): Promise<Sealed | undefined> {
    const { keyId } = terms;
    const [record, key] = await Promise.all([this.records.get(tenant, keyId), this.keys.open(tenant, keyId)]);
    return record && key && { keyId, binding: bindingOf(tenant, terms), record, key };
  }
}

function opened(terms: TemplateTerms, sealed: Sealed | undefined): OpenedTemplate {
  if (!sealed) return { ok: false, reason: 'erased' };
  const embedding = new Float32Array(terms.model.dim);
  const { ok } = openInto(sealed.key, sealed.record, sealed.binding, new Uint8Array(embedding.buffer));
  return ok ? { ok, embedding } : { ok, reason: 'unreadable' };
}

const placeOf = (tenant: TenantId, templateId: string) => `${tenant}/${templateId}`;
