import { type DatedFact, stateOf } from '#lib/core';
import { consentId, otherConsentId, subjectId, terms } from '../../../test/support/consent.js';
import { purposeId } from '../../../test/support/policy.js';
import {
  ConsentExpired,
  ConsentGiven,
  ConsentId,
  ConsentRenewed,
  ConsentStream,
  ConsentWithdrawn,
  consentIn,
  continues,
  standing,
  stateAt,
} from './consent.stream.js';
import { historyOf } from './consent-history.js';
import { show } from './show-consent.js';

const of = { consentId, subjectId, purposeId };
const on = (day: string) => `2026-05-${day}T00:00:00.000Z`;
const validUntil = on('20');
const given = { ...ConsentGiven({ consentId, ...terms, validUntil }), at: on('01') };
const renewed = { ...ConsentRenewed({ ...terms, consentId: otherConsentId, replaces: consentId }), at: on('05') };
const withdrawnOn = (day: string) => ({ ...ConsentWithdrawn({ ...of, channel: 'online' }), at: on(day) });
const expired = { ...ConsentExpired(of), at: on('22') };
const id = ConsentId.parse(consentId);
const otherId = ConsentId.parse(otherConsentId);

const states = (past: readonly DatedFact[], day: string, which = id) => {
  const consent = consentIn(stateOf(ConsentStream, past), which);
  const history = historyOf(consent, new Date(on(day)));
  expect(stateAt(consent, new Date(on(day)))).toBe(history.at(-1)?.state);
  return history.map(({ state, at }) => [state, at]);
};

describe('the history of a consent', () => {
  it('shows states as they came', () => {
    expect(states([given], '10')).toEqual([['given', on('01')]]);
    expect(states([given, withdrawnOn('10')], '10')).toEqual([
      ['given', on('01')],
      ['withdrawn', on('10')],
    ]);
  });

  it('has it expire when its time is over, noticed or not, and at the same instant', () => {
    const over = [
      ['given', on('01')],
      ['expired', validUntil],
    ];
    expect(states([given], '20')).toEqual(over);
    expect(states([given, expired], '23')).toEqual(over);
    expect(states([given, withdrawnOn('21')], '22')).toEqual([...over, ['withdrawn', on('21')]]);
  });

  it('has nothing expire that was withdrawn or renewed before', () => {
    expect(states([given, withdrawnOn('10')], '25')).toHaveLength(2);
    expect(states([given, renewed], '25')).toEqual([
      ['given', on('01')],
      ['terminated', on('05')],
    ]);
    expect(states([given, renewed], '25', otherId)).toEqual([['renewed', on('05')]]);
  });

  it('names the channels', () => {
    const consent = consentIn(stateOf(ConsentStream, [given, withdrawnOn('10')]), id);
    const channels = historyOf(consent, new Date(on('25'))).map(({ channel }) => channel);
    expect(channels).toEqual([terms.channel, 'online']);
  });
});

describe('a consent', () => {
  const now = new Date(on('10'));

  it('is shown without its evidence', () => {
    const consents = stateOf(ConsentStream, [given, renewed]);
    const { sealedEvidence: _, ...rest } = terms;
    const history = [{ state: 'renewed', at: on('05'), channel: terms.channel }];
    const receipt = `/v1/consents/${otherConsentId}/receipt`;
    const shown = {
      ...rest,
      consentId: otherConsentId,
      state: 'renewed',
      givenAt: on('05'),
      replaces: id,
      receipt,
      history,
    };
    expect(show(consentIn(consents, otherId), now)).toEqual(shown);
    expect(show(consentIn(consents, id), now)).toMatchObject({ state: 'terminated', replacedBy: otherConsentId });
  });

  it('stands alone: only the last one does, while it lasts', () => {
    const standingIn = (...past: DatedFact[]) => standing(stateOf(ConsentStream, past), now)?.consentId;
    expect(standingIn()).toBeUndefined();
    expect(standingIn(given)).toBe(consentId);
    expect(standingIn(given, renewed)).toBe(otherConsentId);
    expect(standingIn(given, withdrawnOn('09'))).toBeUndefined();
    expect(standing(stateOf(ConsentStream, [given]), new Date(validUntil))).toBeUndefined();
  });

  it('continues what it renewed, and nothing else', () => {
    const later = { ...ConsentGiven({ ...terms, consentId: otherConsentId }), at: on('12') };
    const afterRenewal = stateOf(ConsentStream, [given, renewed]);
    const afterGap = stateOf(ConsentStream, [given, withdrawnOn('10'), later]);
    expect(continues(afterRenewal, id, consentIn(afterRenewal, otherId))).toBe(true);
    expect(continues(afterGap, id, consentIn(afterGap, otherId))).toBe(false);
    expect(continues(afterGap, otherId, consentIn(afterGap, otherId))).toBe(true);
  });
});
