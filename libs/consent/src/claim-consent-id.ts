import { isDeepStrictEqual } from 'node:util';
import type { EventOf } from '#lib/core';
import { type ConsentId, refusals } from './consent.stream.js';
import { ConsentIdClaimed, type ConsentOwner } from './consent-id.stream.js';

/** An id names a consent, or a refusal, of the subject and purpose it first came with, and never of another. */
export const claimConsentId = (
  owner: ConsentOwner | undefined,
  consentId: ConsentId,
  claimed: ConsentOwner,
): EventOf<typeof ConsentIdClaimed>[] => {
  if (!owner) return [ConsentIdClaimed({ consentId, ...claimed })];
  if (isDeepStrictEqual(owner, claimed)) return [];
  throw refusals['id-taken']();
};
