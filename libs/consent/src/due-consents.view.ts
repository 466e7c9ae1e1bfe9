import { Injectable } from '@nestjs/common';
import { readerOf, type TenantId } from '#lib/core';
import { type DocumentChange, Documents, DocumentView, type StoredEvent } from '#lib/ports';
import { type ConsentId, ConsentStream } from './consent.stream.js';
import type { ExpiringConsent } from './expire-consent.js';

const read = readerOf(ConsentStream.events);

/** A consent that nothing has ended yet, and the instant that will. */
export interface DueConsent extends ExpiringConsent {
  readonly validUntil: string;
}

const keyOf = (validUntil: string) => new Date(validUntil).toISOString();

/** The consents that stand, in the order they end. One whose end was recorded is not here any more. */
@Injectable()
export class DueConsents extends DocumentView<DueConsent> {
  readonly name = 'due-consents';

  constructor(documents: Documents) {
    super(documents);
  }

  /**
   * At most `limit` (1 to 1,000) consents that end before an instant, the earliest first; the next page is `after` the
   * last one of this. The view may lag, so some may have been ended meanwhile: `ExpireConsent` leaves those as they are.
   */
  async dueConsents(tenant: TenantId, before: Date, limit: number, after?: DueConsent): Promise<DueConsent[]> {
    const range = { from: '', below: before.toISOString(), limit };
    const place = after && { after: { key: keyOf(after.validUntil), id: after.consentId } };
    const found = await this.documents.range<DueConsent>(tenant, this.name, { ...range, ...place });
    return found.map(({ body }) => body);
  }

  protected override changes(stored: StoredEvent): DocumentChange<DueConsent>[] {
    const event = read(stored);
    switch (event?.type) {
      case 'consent.given':
        return [standsUntil(event.data)];
      case 'consent.renewed':
        return [ended(event.data.replaces), standsUntil(event.data)];
      case 'consent.withdrawn':
      case 'consent.expired':
        return [ended(event.data.consentId)];
      default:
        return [];
    }
  }
}

const ended = (id: ConsentId): DocumentChange<DueConsent> => ({ id, change: () => undefined });

const standsUntil = ({ consentId, subjectId, purposeId, validUntil }: DueConsent): DocumentChange<DueConsent> => ({
  id: consentId,
  change: () => ({ key: keyOf(validUntil), body: { consentId, subjectId, purposeId, validUntil } }),
});
