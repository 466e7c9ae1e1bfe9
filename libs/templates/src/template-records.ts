import { Injectable } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import { type StoredDocument, Vault } from '#lib/ports';

export const vaultCollection = 'templates';
const pageMax = 100;

/** Above every record of a template and below those of any other: ids have no character as low as this. */
const end = '!';

/** Sealed templates in the vault: each under the id of its data key, found by the id of its template (FMT-1). */
@Injectable()
export class TemplateRecords {
  constructor(private readonly vault: Vault) {}

  async put(tenant: TenantId, keyId: string, templateId: string, sealed: Uint8Array): Promise<void> {
    const record = { id: keyId, key: templateId, sequence: 0, body: {}, bytes: sealed };
    await this.vault.write(tenant, { collection: vaultCollection, puts: [record], removes: [] });
  }

  async get(tenant: TenantId, keyId: string): Promise<Uint8Array | undefined> {
    const [record] = await this.vault.get(tenant, vaultCollection, [keyId]);
    return record?.bytes;
  }

  async remove(tenant: TenantId, keyIds: readonly string[]): Promise<void> {
    await this.vault.write(tenant, { collection: vaultCollection, puts: [], removes: keyIds });
  }

  /** The ids of all records of a template, those of attempts that came to nothing too. */
  async of(tenant: TenantId, templateId: string): Promise<string[]> {
    const found: StoredDocument[] = [];
    for (;;) {
      const last = found.at(-1);
      const page = await this.vault.range(tenant, vaultCollection, {
        from: templateId,
        below: `${templateId}${end}`,
        ...(last && { after: { key: last.key, id: last.id } }),
        limit: pageMax,
      });
      found.push(...page);
      if (page.length < pageMax) return found.map(({ id }) => id);
    }
  }
}
