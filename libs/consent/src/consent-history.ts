import { z } from 'zod';
import { Channel, Instant } from '#lib/core';
import { type Consent, ConsentState } from './consent.stream.js';

/** A state that a consent came into (ISO/IEC TS 27560), when, and where that was said. */
export const HistoryEntry = z.object({ state: ConsentState, at: Instant, channel: Channel.optional() });
export type HistoryEntry = z.output<typeof HistoryEntry>;

/** Through which states a consent went until `now`, first to last. It expires at `validUntil`, noticed or not. */
export function historyOf(consent: Consent, now: Date): HistoryEntry[] {
  const { terms, givenAt, replaces, replacedAt, withdrawnAt, withdrawnThrough, expiredAt } = consent;
  const history: HistoryEntry[] = [{ state: replaces ? 'renewed' : 'given', at: givenAt, channel: terms.channel }];
  if (replacedAt) history.push({ state: 'terminated', at: replacedAt });
  const end = new Date(terms.validUntil);
  const outlived = !replacedAt && !(withdrawnAt && new Date(withdrawnAt) < end);
  if (outlived && (expiredAt || end <= now)) history.push({ state: 'expired', at: terms.validUntil });
  if (withdrawnAt) history.push({ state: 'withdrawn', at: withdrawnAt, channel: withdrawnThrough });
  return history;
}
