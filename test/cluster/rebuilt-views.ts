import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { TenantId } from '#lib/core';
import { Documents, type StoredDocument, type StoredEvent, Views } from '#lib/ports';
import { createApi } from '../../apps/api/src/api.js';

const pageMax = 500;

/** What the views of a log must look like: built from it here and now, by the other family, in memory that is thrown away. */
export class RebuiltViews {
  private readonly tenants = new Map<string, number>();

  private constructor(private readonly api: NestFastifyApplication) {}

  static async open(): Promise<RebuiltViews> {
    const api = await createApi(EmbeddedAdapters.inTemporaryFolder(), { follow: false });
    api.useLogger(false);
    await api.init();
    return new RebuiltViews(api);
  }

  get names(): string[] {
    return this.api
      .get(Views)
      .all()
      .map(({ name }) => name);
  }

  /** Takes in what came to the log since the last time. */
  async take(tenant: string, log: readonly StoredEvent[]): Promise<void> {
    const taken = this.tenants.get(tenant) ?? 0;
    for (let from = taken; from < log.length; from += pageMax) {
      const page = log.slice(from, from + pageMax);
      for (const view of this.api.get(Views).all()) await view.take(page);
    }
    this.tenants.set(tenant, log.length);
  }

  async documentsOf(tenant: string, view: string): Promise<StoredDocument[]> {
    const found: StoredDocument[] = [];
    for (;;) {
      const last = found.at(-1);
      const after = last && { after: { key: last.key, id: last.id } };
      const range = { from: '', below: '~', limit: pageMax, ...after };
      const page = await this.api.get(Documents).range(TenantId.parse(tenant), view, range);
      found.push(...page);
      if (page.length < pageMax) return found;
    }
  }

  close(): Promise<void> {
    return this.api.close();
  }
}
