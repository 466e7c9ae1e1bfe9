import { Injectable } from '@nestjs/common';
import { purposeHindrance } from '#lib/consent/contract';
import { readerOf, type TenantId } from '#lib/core';
import { PurposeDefined, PurposeId, PurposeStream, ThresholdCardStream } from '#lib/policy/contract';
import {
  Clock,
  type DocumentChange,
  Documents,
  DocumentView,
  EventStore,
  type StoredDocument,
  type StoredEvent,
  Streams,
} from '#lib/ports';
import type { GalleryWanted } from './gallery-name.js';

const read = readerOf([PurposeDefined]);
const pageMax = 100;

/** Which purposes identify: whose galleries are to be made before anybody asks. */
@Injectable()
export class IdentifyingPurposes extends DocumentView<Record<string, never>> {
  readonly name = 'identifying-purposes';

  constructor(
    documents: Documents,
    private readonly store: EventStore,
    private readonly streams: Streams,
    private readonly clock: Clock,
  ) {
    super(documents);
  }

  protected changes(stored: StoredEvent): readonly DocumentChange<Record<string, never>>[] {
    const { purposeId, terms } = read(stored)?.data ?? {};
    if (!purposeId || !terms?.identification) return [];
    return [{ id: purposeId, change: () => ({ key: purposeId, body: {} }) }];
  }

  /** Of all tenants, as far as the view has come. */
  async *all(): AsyncGenerator<{ readonly tenant: TenantId; readonly purposeId: PurposeId }> {
    for (const tenant of await this.store.tenants()) {
      for (let after: StoredDocument | undefined; ; ) {
        const range = { from: '', below: '~', ...(after && { after }), limit: pageMax };
        const page: readonly StoredDocument[] = await this.documents.range(tenant, this.name, range);
        for (const { id } of page) yield { tenant, purposeId: PurposeId.parse(id) };
        after = page.at(-1);
        if (page.length < pageMax) break;
      }
    }
  }

  /** What gallery the purpose is to have now; undefined while it permits nothing. */
  async wantedOf(tenant: TenantId, purposeId: PurposeId): Promise<GalleryWanted | undefined> {
    const { state: purpose } = await this.streams.load(tenant, PurposeStream, purposeId);
    const rule = purpose.terms?.identification;
    if (!purpose.terms || !rule || purposeHindrance(purpose, this.clock.now())) return undefined;
    const { state: card } = await this.streams.load(tenant, ThresholdCardStream, purpose.terms.thresholdCardId);
    if (!card) return undefined;
    const { rotationVersion } = purpose;
    return { tenant, purposeId, model: card.model, rule, rotationVersion };
  }
}
