import { type DatedFact, stateOf } from '#lib/core';
import {
  assessmentId,
  newThresholdCard,
  newThresholdCardId,
  officer,
  purpose,
  purposeId,
  thresholdCard,
  thresholdCardId,
} from '../../../test/support/policy.js';
import { ChangeThresholdCard, changeThresholdCard } from './change-threshold-card.js';
import {
  isAssessed,
  PurposeAssessed,
  PurposeDefined,
  PurposeId,
  PurposeStream,
  PurposeTerms,
  ThresholdCardChanged,
} from './purpose.stream.js';
import { show } from './show-purpose.js';
import { ThresholdCardId, ThresholdCardTerms } from './threshold-card.stream.js';

const at = '2026-05-01T00:00:00.000Z';
const now = new Date('2026-06-01T00:00:00Z');
const id = PurposeId.parse(purposeId);
const dated = <F extends object>(fact: F) => ({ ...fact, at });
const defined = dated(PurposeDefined({ purposeId, terms: PurposeTerms.parse(purpose) }));
const assessed = (name: string = assessmentId) =>
  dated(PurposeAssessed({ purposeId, assessmentId: name, validUntil: '2027-05-01T00:00:00Z' }));
const change = (to: string, from: string) =>
  ThresholdCardChanged({ purposeId, thresholdCardId: to, previousThresholdCardId: from });
const changed = dated(change(newThresholdCardId, thresholdCardId));
const back = dated(change(thresholdCardId, newThresholdCardId));
const first = ThresholdCardTerms.parse(thresholdCard);
const refusedAs = (code: string) => expect.objectContaining({ code });

const choose = (past: readonly DatedFact[], to = newThresholdCardId, card: object | undefined = newThresholdCard) =>
  changeThresholdCard(
    stateOf(PurposeStream, past),
    new ChangeThresholdCard(officer, id, ThresholdCardId.parse(to)),
    card && ThresholdCardTerms.parse(card),
    first,
  );

describe('change threshold card', () => {
  it('records the new card and the one before', () => {
    expect(choose([defined])).toEqual([change(newThresholdCardId, thresholdCardId)]);
    expect(choose([defined, changed], 'synthetic-3')).toEqual([change('synthetic-3', newThresholdCardId)]);
    expect(choose([defined, changed], thresholdCardId)).toEqual([change(thresholdCardId, newThresholdCardId)]);
  });

  it('records nothing of the card that the purpose has', () => {
    expect(choose([defined], thresholdCardId)).toEqual([]);
    expect(choose([defined, changed])).toEqual([]);
  });

  it('is refused to what was never defined, and of a card that was never published', () => {
    expect(() => choose([])).toThrow(refusedAs('policy.purpose-missing'));
    const toNothing = () => changeThresholdCard(stateOf(PurposeStream, [defined]), toNew, undefined, first);
    const toNew = new ChangeThresholdCard(officer, id, ThresholdCardId.parse(newThresholdCardId));
    expect(toNothing).toThrow(refusedAs('policy.threshold-card-missing'));
  });

  it.each([{ id: 'other' }, { version: '2' }, { dim: 256 }])('is refused of a card of another model: %j', (other) => {
    const card = { ...newThresholdCard, model: { ...thresholdCard.model, ...other } };
    expect(() => choose([defined], newThresholdCardId, card)).toThrow(
      expect.objectContaining({
        code: 'policy.other-model',
        detail: { errors: [{ path: 'thresholdCardId', code: 'other-model' }] },
      }),
    );
  });
});

describe('a purpose whose threshold card was changed', () => {
  const purposeOf = (...past: DatedFact[]) => stateOf(PurposeStream, [defined, ...past]);

  it('is covered by no assessment from before, even of a card that came back', () => {
    expect(isAssessed(purposeOf(assessed()), now)).toBe(true);
    expect(isAssessed(purposeOf(assessed(), changed), now)).toBe(false);
    expect(isAssessed(purposeOf(assessed(), changed, back), now)).toBe(false);
    expect(isAssessed(purposeOf(assessed(), changed, assessed('registration-2027')), now)).toBe(true);
  });

  it('is shown with the new card, and with whether it is to be assessed anew', () => {
    const shown = (...past: DatedFact[]) => show(id, purposeOf(...past));
    expect(shown(changed)).toMatchObject({ thresholdCardId: newThresholdCardId, reassessmentDue: false });
    expect(shown(assessed())).toMatchObject({ thresholdCardId, reassessmentDue: false });
    const due = shown(assessed(), changed);
    expect(due).toMatchObject({ thresholdCardId: newThresholdCardId, reassessmentDue: true, assessments: [] });
    const anew = shown(assessed(), changed, assessed('registration-2027'));
    expect(anew).toMatchObject({ reassessmentDue: false, assessments: [{ assessmentId: 'registration-2027' }] });
  });
});
