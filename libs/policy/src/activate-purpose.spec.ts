import { type DatedFact, stateOf } from '#lib/core';
import {
  checkpoint,
  checkpointId,
  identifying,
  newThresholdCardId,
  officer,
  purpose,
  purposeId,
  thresholdCard,
  thresholdCardId,
} from '../../../test/support/policy.js';
import { ActivatePurpose, activatePurpose } from './activate-purpose.js';
import { CheckpointOpened, CheckpointStream, CheckpointTerms } from './checkpoint.stream.js';
import {
  PurposeActivated,
  PurposeAssessed,
  PurposeDefined,
  PurposeId,
  PurposeStream,
  PurposeSuspended,
  PurposeTerms,
  ThresholdCardChanged,
} from './purpose.stream.js';
import { SuspendPurpose, suspendPurpose } from './suspend-purpose.js';
import { ThresholdCardTerms } from './threshold-card.stream.js';

const at = '2026-05-01T00:00:00.000Z';
const now = new Date('2026-06-01T00:00:00Z');
const id = PurposeId.parse(purposeId);
const dated = <F extends object>(fact: F) => ({ ...fact, at });
const defined = dated(PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } }));
const assessed = (validUntil = '2027-05-01T00:00:00Z') =>
  dated(PurposeAssessed({ purposeId, assessmentId: 'registration-2026', validUntil }));
const activated = dated(PurposeActivated({ purposeId }));
const cardChanged = dated(
  ThresholdCardChanged({ purposeId, thresholdCardId: newThresholdCardId, previousThresholdCardId: thresholdCardId }),
);
const suspended = dated(PurposeSuspended({ purposeId }));
const checkpoints = stateOf(CheckpointStream, [
  dated(CheckpointOpened({ checkpointId, terms: CheckpointTerms.parse(checkpoint) })),
]);
const refusedAs = (code: string) => expect.objectContaining({ code });

const activate = (past: readonly DatedFact[], open = checkpoints) =>
  activatePurpose(stateOf(PurposeStream, past), new ActivatePurpose(officer, id), now, open);
const suspend = (past: readonly DatedFact[]) =>
  suspendPurpose(stateOf(PurposeStream, past), new SuspendPurpose(officer, id));

describe('activate purpose', () => {
  it('is recorded where it is assessed and has another way, after a suspension too', () => {
    const fact = [PurposeActivated({ purposeId })];
    expect(activate([defined, assessed()])).toEqual(fact);
    expect(activate([defined, assessed(), activated, suspended])).toEqual(fact);
  });

  it('records nothing when repeated, whatever came after', () => {
    expect(activate([defined, assessed(), activated])).toEqual([]);
    expect(activate([defined, assessed('2026-05-02T00:00:00Z'), activated], [])).toEqual([]);
  });

  it('is refused to what was never defined', () => {
    expect(() => activate([])).toThrow(refusedAs('policy.purpose-missing'));
  });

  it('is refused without an assessment, or with one that lapses now', () => {
    expect(() => activate([defined])).toThrow(refusedAs('policy.not-assessed'));
    const lapsed = [defined, assessed(now.toISOString())];
    expect(() => activate(lapsed)).toThrow(refusedAs('policy.not-assessed'));
    expect(activate([...lapsed, assessed()])).toHaveLength(1);
  });

  it('is refused after its threshold card was changed, until it is assessed anew', () => {
    const past = [defined, assessed(), activated, suspended, cardChanged];
    expect(() => activate(past)).toThrow(refusedAs('policy.not-assessed'));
    expect(activate([...past, assessed()])).toHaveLength(1);
  });

  it('is refused where a face would be the only way', () => {
    expect(() => activate([defined, assessed()], [])).toThrow(refusedAs('policy.no-alternative'));
  });

  // PERF-2, by its own numbers.
  it.each([
    { galleryMax: 100_000, fmr: 1e-4, isLet: false },
    { galleryMax: 10_000, fmr: 1e-4, isLet: false },
    { galleryMax: 100_000, fmr: 1e-8, isLet: true },
    { galleryMax: 100_001, fmr: 1e-8, isLet: true },
    { galleryMax: 100_051, fmr: 1e-8, isLet: false },
  ])('searches among $galleryMax at a false match rate of $fmr: $isLet', ({ galleryMax, fmr, isLet }) => {
    const terms = PurposeTerms.parse({ ...purpose, ...identifying({ galleryMax }) });
    const card = ThresholdCardTerms.parse({ ...thresholdCard, fmr, interval: { low: 0, high: fmr } });
    const state = stateOf(PurposeStream, [dated(PurposeDefined({ purposeId, terms })), assessed()]);
    const facts = () => {
      try {
        return activatePurpose(state, new ActivatePurpose(officer, id), now, checkpoints, card);
      } catch (error) {
        return error;
      }
    };
    expect(facts()).toEqual(isLet ? [PurposeActivated({ purposeId })] : refusedAs('policy.over-fpir-budget'));
  });
});

describe('suspend purpose', () => {
  it('is recorded once, and only of an active purpose', () => {
    expect(suspend([defined, activated])).toEqual([PurposeSuspended({ purposeId })]);
    expect(suspend([defined, activated, suspended])).toEqual([]);
    expect(suspend([defined])).toEqual([]);
    expect(() => suspend([])).toThrow(refusedAs('policy.purpose-missing'));
  });
});
