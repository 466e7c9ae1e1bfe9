import { Injectable } from '@nestjs/common';
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

/**
 * Opens templates, one at a time and for one use. Nothing that was opened is kept here.
 * @throws KeysUnavailable, StoreUnavailable when keys or vault cannot be read
 */
@Injectable()
export class TemplateVault {
  constructor(
    private readonly records: TemplateRecords,
    private readonly keys: DataKeys,
  ) {}

  /** `erased`: its key or its record is gone. `unreadable`: what is there is not what was sealed. */
  async open(tenant: TenantId, { terms }: Template): Promise<OpenedTemplate> {
    const [sealed, key] = await Promise.all([
      this.records.get(tenant, terms.keyId),
      this.keys.open(tenant, terms.keyId),
    ]);
    if (!sealed || !key) return { ok: false, reason: 'erased' };
    const embedding = new Float32Array(terms.model.dim);
    const { ok } = openInto(key, sealed, bindingOf(tenant, terms), new Uint8Array(embedding.buffer));
    return ok ? { ok, embedding } : { ok, reason: 'unreadable' };
  }
}
