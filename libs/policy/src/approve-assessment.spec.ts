import { type DatedFact, stateOf } from '#lib/core';
import {
  assessedCards,
  assessment,
  assessmentId,
  newThresholdCardId,
  officer,
  purpose,
  purposeId,
  secondOfficer,
  thresholdCardId,
} from '../../../test/support/policy.js';
import { ApproveAssessment, approveAssessment, coverPurpose } from './approve-assessment.js';
import {
  AssessedCards,
  AssessmentApproved,
  AssessmentDrafted,
  AssessmentStream,
  AssessmentTerms,
} from './assessment.stream.js';
import {
  AssessmentId,
  PurposeAssessed,
  PurposeDefined,
  PurposeId,
  PurposeStream,
  PurposeTerms,
  ThresholdCardChanged,
} from './purpose.stream.js';
import { show } from './show-assessment.js';

const at = '2026-05-01T00:00:00.000Z';
const now = new Date('2026-06-01T00:00:00Z');
const id = AssessmentId.parse(assessmentId);
const drafted = {
  ...AssessmentDrafted({ assessmentId, author: officer.actor, terms: assessment, cards: assessedCards }),
  at,
};
const approved = { ...AssessmentApproved({ assessmentId, approver: secondOfficer.actor }), at };
const defined = { ...PurposeDefined({ purposeId, terms: PurposeTerms.parse(purpose) }), at };
const changed = (to: string, from: string) => ({
  ...ThresholdCardChanged({ purposeId, thresholdCardId: to, previousThresholdCardId: from }),
  at,
});
const toNew = changed(newThresholdCardId, thresholdCardId);
const back = changed(thresholdCardId, newThresholdCardId);
/** Of before events named the card. */
const draftedOnce = { ...drafted, version: 1, data: { ...drafted.data, cards: undefined } };
const refusedAs = (code: string) => expect.objectContaining({ code });

const approve = (
  past: readonly DatedFact[],
  caller = secondOfficer,
  instant = now,
  of: readonly DatedFact[] = [defined],
) =>
  approveAssessment(stateOf(AssessmentStream, past), new ApproveAssessment(caller, id), instant, [
    stateOf(PurposeStream, of),
  ]);

describe('approve assessment', () => {
  it('records who approved it', () => {
    expect(approve([drafted])).toEqual([AssessmentApproved({ assessmentId, approver: secondOfficer.actor })]);
  });

  it('records nothing the second time, even when it has lapsed since', () => {
    expect(approve([drafted, approved])).toEqual([]);
    expect(approve([drafted, approved], secondOfficer, new Date('2100-01-01T00:00:00Z'))).toEqual([]);
  });

  it('is refused to its author, before and after', () => {
    for (const past of [[drafted], [drafted, approved]]) {
      expect(() => approve(past, officer)).toThrow(refusedAs('policy.own-assessment'));
    }
  });

  it('is refused where it was never drafted, or has lapsed', () => {
    expect(() => approve([])).toThrow(refusedAs('policy.assessment-missing'));
    const lapse = new Date(assessment.validUntil);
    expect(() => approve([drafted], secondOfficer, lapse)).toThrow(refusedAs('policy.assessment-lapsed'));
  });

  it.each([
    ['', drafted],
    [', and did not name it', draftedOnce],
  ])('is refused where it was drafted for another threshold card than the purpose has%s', (_, draft) => {
    expect(approve([draft], secondOfficer, now, [defined])).toHaveLength(1);
    for (const of of [
      [defined, toNew],
      [defined, toNew, changed('synthetic-3', newThresholdCardId)],
    ]) {
      expect(() => approve([draft], secondOfficer, now, of)).toThrow(refusedAs('policy.assessment-outdated'));
      expect(approve([draft, approved], secondOfficer, now, of)).toEqual([]);
    }
    expect(approve([draft], secondOfficer, now, [defined, toNew, back])).toHaveLength(1);
  });

  it('is shown with both persons', () => {
    const people = { author: officer.actor, approver: secondOfficer.actor };
    expect(show(id, stateOf(AssessmentStream, [drafted, approved]))).toEqual({
      assessmentId,
      ...assessment,
      ...people,
      cards: assessedCards,
      state: 'approved',
      approvedAt: at,
    });
    expect(() => show(id, AssessmentStream.initial)).toThrow(refusedAs('policy.assessment-missing'));
  });
});

describe('what an approved assessment covers', () => {
  const covered = PurposeAssessed({ purposeId, assessmentId, validUntil: assessment.validUntil });
  const cover = (past: readonly DatedFact[]) =>
    coverPurpose(stateOf(PurposeStream, [defined, ...past]), PurposeId.parse(purposeId), id, {
      terms: AssessmentTerms.parse(assessment),
      cards: AssessedCards.parse(assessedCards),
      author: officer.actor,
    });

  it('is recorded once for each purpose', () => {
    expect(cover([])).toEqual([covered]);
    expect(cover([{ ...covered, at }])).toEqual([]);
  });

  it('is recorded beside what another assessment covers', () => {
    const other = PurposeAssessed({ ...covered.data, assessmentId: 'registration-2025' });
    expect(cover([{ ...other, at }])).toEqual([covered]);
  });

  it('is not recorded for another threshold card, nor again for one that came back', () => {
    expect(cover([toNew])).toEqual([]);
    expect(cover([toNew, back])).toEqual([covered]);
    expect(cover([{ ...covered, at }, toNew, back])).toEqual([]);
  });
});
