import type { SubjectId, TenantId } from '#lib/core';
import type { Streams } from '#lib/ports';
import { type ConsentId, refusals } from './consent.stream.js';
import { ConsentIdStream, type ConsentOwner } from './consent-id.stream.js';

/**
 * Whose consent an id names. `mine` is set where a patient asks: someone else's consent is missing to them.
 * @throws consent.missing where there is none, or where the id names a refusal
 */
export async function ownerOf(
  streams: Streams,
  tenant: TenantId,
  consentId: ConsentId,
  mine?: SubjectId,
): Promise<ConsentOwner> {
  const { state: owner } = await streams.load(tenant, ConsentIdStream, consentId);
  if (owner?.record !== 'consent' || (mine && owner.subjectId !== mine)) throw refusals.missing();
  return owner;
}
