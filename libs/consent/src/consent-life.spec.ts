import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { Refusal, stateOf } from '#lib/core';
import { NoticePublished, NoticeStream, PurposeDefined, PurposeStream } from '#lib/policy/contract';
import { consentId as anyId, terms } from '../../../test/support/consent.js';
import { notice, noticeId, purpose, purposeId } from '../../../test/support/policy.js';
import {
  type Consent,
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

/** What is said of a consent, some days after what was said before. */
interface Said {
  readonly does: 'give' | 'withdraw' | 'expire';
  readonly id: ConsentId;
  readonly days: number;
  /** How long a consent lasts. */
  readonly lasts: number;
}

const step: fc.Arbitrary<Said> = fc.record({
  does: fc.constantFrom('give', 'give', 'withdraw', 'expire'),
  id: fc.constantFrom(...ids),
  days: fc.integer({ min: 0, max: 5 }),
  lasts: fc.integer({ min: 1, max: 9 }),
});

/** What is recorded of it; nothing where it is refused. */
function decided(consents: Consents, { does, id: consentId, lasts }: Said, now: Date) {
  try {
    if (does === 'withdraw')
      return withdrawConsent(consents, { consentId, withdrawal: { channel: 'online' } }, { status: 'registered' });
    if (does === 'expire') return expireConsent(consents, { consent: { consentId, subjectId, purposeId: of } }, now);
    const known = consents.consents.find((each) => each.consentId === consentId);
    const validUntil = new Date(now.getTime() + lasts * dayMs).toISOString();
    const given = { consentId, terms: known?.terms ?? Terms.parse({ ...terms, validUntil }) };
    return giveConsent(consents, given, now, [{ status: 'registered' }, defined, published]);
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}

const permits = (consent: Consent, now: Date) => ['given', 'renewed'].includes(stateAt(consent, now));

/** Which promises a step broke, of those that hold whatever is said. */
function broken(before: Consents, after: Consents, step: Said, now: Date): string[] {
  const standingOnes = after.consents.filter((consent) => permits(consent, now));
  const wasKnown = before.consents.some(({ consentId }) => consentId === step.id);
  const ended = before.consents.filter((consent) => !permits(consent, now));
  const rewritten = before.consents.filter((then) => {
    const history = historyOf(consentIn(after, then.consentId), now);
    return !isDeepStrictEqual(history.slice(0, historyOf(then, now).length), historyOf(then, now));
  });
  const promises: Record<string, boolean> = {
    'a repeat records nothing': decided(after, step, now).length === 0,
    'at most one consent stands': standingOnes.length <= 1,
    'the one that stands is the one that permits': standingOnes[0] === standing(after, now),
    'a withdrawal leaves nothing of what came of the consent':
      step.does !== 'withdraw' || !wasKnown || stateAt(successorOf(after, step.id), now) === 'withdrawn',
    'what ended stays ended': ended.every(({ consentId }) => !permits(consentIn(after, consentId), now)),
    'no history is rewritten': rewritten.length === 0,
    'the last of a history is the state': after.consents.every(
      (consent) => historyOf(consent, now).at(-1)?.state === stateAt(consent, now),
    ),
  };
  return Object.keys(promises).filter((promise) => !promises[promise]);
}

describe('the life of consents', () => {
  it('keeps its promises whatever is said in whatever order', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let consents = ConsentStream.initial;
        let nowMs = startMs;
        for (const each of steps) {
          nowMs += each.days * dayMs;
          const now = new Date(nowMs);
          const facts = decided(consents, each, now);
          for (const { type } of facts) seen.add(type);
          const after = facts.reduce<Consents>(
            (state, fact) => ConsentStream.evolve(state, fact, now.toISOString()),
            consents,
          );
          expect(broken(consents, after, each, now)).toEqual([]);
          consents = after;
        }
      }),
      { numRuns: 500 },
    );
    expect([...seen].sort()).toEqual(['consent.expired', 'consent.given', 'consent.renewed', 'consent.withdrawn']);
  });
});
