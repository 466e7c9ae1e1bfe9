import fc from 'fast-check';
import { type Fact, Refusal, stateOf } from '#lib/core';
import { NoticePublished, NoticeStream, PurposeDefined, PurposeStream } from '#lib/policy/contract';
import { consentId as anyId, terms } from '../../../test/support/consent.js';
import { notice, noticeId, purpose, purposeId } from '../../../test/support/policy.js';
import {
  ConsentId,
  ConsentStream,
  type Consents,
  consentIn,
  standing,
  stateAt,
  successorOf,
  Terms,
} from './consent.stream.js';
import { historyOf } from './consent-history.js';
import { expireConsent } from './expire-consent.js';
import { giveConsent } from './give-consent.js';
import { withdrawConsent } from './withdraw-consent.js';

const dayMs = 86_400_000;
const startMs = Date.parse('2026-05-01T00:00:00Z');
const ids = [0, 1, 2, 3].map((n) => ConsentId.parse(`${n}${anyId.slice(1)}`));
const { subjectId, purposeId: of } = Terms.parse(terms);

const at = '2026-05-01T00:00:00.000Z';
const defined = stateOf(PurposeStream, [
  { ...PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } }), at },
]);
const published = stateOf(
  NoticeStream,
  [1, 2].map((version) => {
    return { ...NoticePublished({ ...notice, noticeId, version, hash: terms.noticeHash }), at };
  }),
);

type Step =
  | { readonly does: 'give'; readonly id: ConsentId; readonly days: number }
  | { readonly does: 'withdraw'; readonly id: ConsentId }
  | { readonly does: 'expire'; readonly id: ConsentId }
  | { readonly does: 'wait'; readonly days: number };

const id = fc.constantFrom(...ids);
const days = fc.integer({ min: 1, max: 9 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constant('give' as const), id, days }),
  fc.record({ does: fc.constant('withdraw' as const), id }),
  fc.record({ does: fc.constant('expire' as const), id }),
  fc.record({ does: fc.constant('wait' as const), days }),
);

/** What a step records; nothing where it is refused. */
function decided(consents: Consents, step: Exclude<Step, { does: 'wait' }>, now: Date): readonly Fact[] {
  try {
    if (step.does === 'withdraw') {
      return withdrawConsent(consents, { consentId: step.id, withdrawal: { channel: 'online' } });
    }
    if (step.does === 'expire') {
      return expireConsent(consents, { consent: { consentId: step.id, subjectId, purposeId: of } }, now);
    }
    const known = consents.consents.find(({ consentId }) => consentId === step.id);
    const validUntil = new Date(now.getTime() + step.days * dayMs).toISOString();
    const given = { consentId: step.id, terms: known?.terms ?? Terms.parse({ ...terms, validUntil }) };
    return giveConsent(consents, given, now, [{ status: 'registered' }, defined, published]);
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}

describe('the life of consents', () => {
  it('keeps its promises whatever is said in whatever order', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let consents = ConsentStream.initial;
        let nowMs = startMs;
        for (const each of steps) {
          if (each.does === 'wait') {
            nowMs += each.days * dayMs;
            continue;
          }
          const now = new Date(nowMs);
          const before = consents;
          const facts = decided(consents, each, now);
          for (const { type } of facts) seen.add(type);
          consents = facts.reduce<Consents>(
            (state, fact) => ConsentStream.evolve(state, fact as never, now.toISOString()),
            consents,
          );
          // A repeat records nothing.
          expect(decided(consents, each, now)).toEqual([]);
          // At most one consent stands, and what stands is not over.
          const standingOnes = consents.consents.filter((consent) => /given|renewed/.test(stateAt(consent, now)));
          expect(standingOnes).toEqual([standing(consents, now)].filter((consent) => consent !== undefined));
          // Whoever withdraws any of theirs is left without what came of it.
          if (each.does === 'withdraw' && before.consents.some(({ consentId }) => consentId === each.id)) {
            expect(stateAt(successorOf(consents, each.id), now)).toBe('withdrawn');
            expect(standing(consents, now)?.replaces).not.toBe(each.id);
          }
          for (const { consentId } of before.consents) {
            const [then, today] = [consentIn(before, consentId), consentIn(consents, consentId)];
            // No state that permits is ever come back to, and no history rewritten.
            if (!/given|renewed/.test(stateAt(then, now))) expect(stateAt(today, now)).not.toMatch(/given|renewed/);
            expect(historyOf(today, now).slice(0, historyOf(then, now).length)).toEqual(historyOf(then, now));
            expect(historyOf(today, now).at(-1)?.state).toBe(stateAt(today, now));
          }
        }
      }),
      { numRuns: 500 },
    );
    expect([...seen].sort()).toEqual(['consent.expired', 'consent.given', 'consent.renewed', 'consent.withdrawn']);
  });
});
