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
import { AssessmentDrafted, AssessmentStream, AssessmentTerms } from './assessment.stream.js';
import { DraftAssessment, draftAssessment } from './draft-assessment.js';
import { AssessmentId, PurposeDefined, PurposeStream, ThresholdCardChanged } from './purpose.stream.js';

const at = '2026-05-01T00:00:00.000Z';
const now = new Date('2026-06-01T00:00:00Z');
const id = AssessmentId.parse(assessmentId);
const terms = AssessmentTerms.parse(assessment);
const drafted = {
  ...AssessmentDrafted({ assessmentId, author: officer.actor, terms: assessment, cards: assessedCards }),
  at,
};
const defined = stateOf(PurposeStream, [
  { ...PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } }), at },
]);
const cardChanged = ThresholdCardChanged({
  ...{ purposeId, thresholdCardId: newThresholdCardId, previousThresholdCardId: thresholdCardId },
});
const refusedAs = (code: string) => expect.objectContaining({ code });

const draft = (
  past: readonly DatedFact[],
  { caller = officer, change = {}, purposes = [defined], at: instant = now } = {},
) =>
  draftAssessment(
    stateOf(AssessmentStream, past),
    new DraftAssessment(caller, id, AssessmentTerms.parse({ ...assessment, ...change })),
    instant,
    purposes,
  );

describe('draft assessment', () => {
  it('records the text and its author', () => {
    expect(draft([])).toEqual([
      AssessmentDrafted({ assessmentId, author: officer.actor, terms, cards: assessedCards }),
    ]);
  });

  it('names the threshold card that each purpose has now', () => {
    const changed = PurposeStream.evolve(defined, cardChanged, at);
    expect(draft([], { purposes: [changed] })).toMatchObject([
      { data: { cards: [{ purposeId, thresholdCardId: newThresholdCardId }] } },
    ]);
    expect(draft([drafted], { purposes: [changed] })).toEqual([]);
  });

  it('records nothing when repeated, by whomever and whenever', () => {
    expect(draft([drafted])).toEqual([]);
    expect(draft([drafted], { caller: secondOfficer, at: new Date('2100-01-01T00:00:00Z') })).toEqual([]);
  });

  it('is refused with another text', () => {
    expect(() => draft([drafted], { change: { risks: 'None.' } })).toThrow(refusedAs('policy.assessment-exists'));
  });

  it('is refused where it would be over at once', () => {
    const over = { validUntil: now.toISOString() };
    expect(() => draft([], { change: over })).toThrow(refusedAs('policy.assessment-lapsed'));
  });

  it('is refused where one of its purposes is missing', () => {
    const purposes = [defined, PurposeStream.initial];
    const change = { purposes: [purposeId, 'pharmacy'] };
    expect(() => draft([], { purposes, change })).toThrow(refusedAs('policy.purpose-missing'));
  });

  it.each(['lawfulness', 'rightsImpact', 'risks', 'measures'])('may not leave out %s', (head) => {
    expect(AssessmentTerms.safeParse({ ...assessment, [head]: '' }).success).toBe(false);
    expect(AssessmentTerms.safeParse({ ...assessment, [head]: undefined }).success).toBe(false);
  });

  it('must cover a purpose', () => {
    expect(AssessmentTerms.safeParse({ ...assessment, purposes: [] }).success).toBe(false);
  });
});
