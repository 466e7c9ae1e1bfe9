import { type DatedFact, stateOf } from '#lib/core';
import { assessment, assessmentId, officer, purposeId, secondOfficer } from '../../../test/support/policy.js';
import { ApproveAssessment, approveAssessment, coverPurpose } from './approve-assessment.js';
import { AssessmentApproved, AssessmentDrafted, AssessmentStream } from './assessment.stream.js';
import { AssessmentId, PurposeAssessed, PurposeId, PurposeStream } from './purpose.stream.js';
import { show } from './show-assessment.js';

const at = '2026-05-01T00:00:00.000Z';
const now = new Date('2026-06-01T00:00:00Z');
const id = AssessmentId.parse(assessmentId);
const drafted = { ...AssessmentDrafted({ assessmentId, author: officer.actor, terms: assessment }), at };
const approved = { ...AssessmentApproved({ assessmentId, approver: secondOfficer.actor }), at };
const refusedAs = (code: string) => expect.objectContaining({ code });

const approve = (past: readonly DatedFact[], caller = secondOfficer, instant = now) =>
  approveAssessment(stateOf(AssessmentStream, past), new ApproveAssessment(caller, id), instant);

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

  it('is shown with both persons', () => {
    const people = { author: officer.actor, approver: secondOfficer.actor };
    expect(show(id, stateOf(AssessmentStream, [drafted, approved]))).toEqual({
      assessmentId,
      ...assessment,
      ...people,
      state: 'approved',
      approvedAt: at,
    });
    expect(() => show(id, AssessmentStream.initial)).toThrow(refusedAs('policy.assessment-missing'));
  });
});

describe('what an approved assessment covers', () => {
  const purpose = PurposeId.parse(purposeId);
  const covered = PurposeAssessed({ purposeId, assessmentId, validUntil: assessment.validUntil });
  const cover = (past: readonly DatedFact[]) =>
    coverPurpose(stateOf(PurposeStream, past), purpose, id, assessment.validUntil);

  it('is recorded once for each purpose', () => {
    expect(cover([])).toEqual([covered]);
    expect(cover([{ ...covered, at }])).toEqual([]);
  });

  it('is recorded beside what another assessment covers', () => {
    const other = PurposeAssessed({ ...covered.data, assessmentId: 'registration-2025' });
    expect(cover([{ ...other, at }])).toEqual([covered]);
  });
});
