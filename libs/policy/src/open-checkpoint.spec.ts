import { type DatedFact, stateOf } from '#lib/core';
import { checkpoint, checkpointId, officer, purpose, purposeId } from '../../../test/support/policy.js';
import {
  alternativesAt,
  CheckpointId,
  CheckpointOpened,
  CheckpointStream,
  CheckpointTerms,
} from './checkpoint.stream.js';
import { CheckpointIdClaimed } from './checkpoint-id.stream.js';
import { claimCheckpointId, OpenCheckpoint, openCheckpoint } from './open-checkpoint.js';
import { PurposeDefined, PurposeId, PurposeStream } from './purpose.stream.js';
import { show } from './show-checkpoint.js';

const at = '2026-05-01T00:00:00.000Z';
const id = CheckpointId.parse(checkpointId);
const terms = CheckpointTerms.parse(checkpoint);
const opened = { ...CheckpointOpened({ checkpointId, terms }), at };
const defined = stateOf(PurposeStream, [
  { ...PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } }), at },
]);
const refusedAs = (code: string) => expect.objectContaining({ code });
const command = (change = {}) => new OpenCheckpoint(officer, id, CheckpointTerms.parse({ ...checkpoint, ...change }));
const open = (past: readonly DatedFact[], change = {}) =>
  openCheckpoint(stateOf(CheckpointStream, past), command(change));

describe('open checkpoint', () => {
  it('records its terms once', () => {
    expect(open([])).toEqual([CheckpointOpened({ checkpointId, terms })]);
    expect(open([opened])).toEqual([]);
  });

  it('is refused on other terms', () => {
    expect(() => open([opened], { title: 'Other desk' })).toThrow(refusedAs('policy.checkpoint-exists'));
  });

  it.each([
    ['face alone', [{ kind: 'face', enabled: true }]],
    [
      'face and a way that is not enabled',
      [
        { kind: 'face', enabled: true },
        { kind: 'id-card', enabled: false },
      ],
    ],
    ['no way at all', []],
    ['an unknown way', [{ kind: 'iris', enabled: true }]],
    [
      'a way named twice',
      [
        { kind: 'id-card', enabled: true },
        { kind: 'id-card', enabled: false },
      ],
    ],
  ])('may not have %s', (_, methods) => {
    expect(CheckpointTerms.safeParse({ ...checkpoint, methods }).success).toBe(false);
  });

  it('is shown with the ways that need no face', () => {
    const checkpoints = stateOf(CheckpointStream, [opened]);
    expect(show(id, checkpoints)).toEqual({ checkpointId, ...terms, alternatives: ['id-card'] });
    expect(() => show(id, [])).toThrow(refusedAs('policy.checkpoint-missing'));
  });
});

describe('the id of a checkpoint', () => {
  const here = PurposeId.parse(purposeId);

  it('is claimed once for a purpose', () => {
    expect(claimCheckpointId(undefined, command(), defined)).toEqual([
      CheckpointIdClaimed({ checkpointId, purposeId }),
    ]);
    expect(claimCheckpointId(here, command(), defined)).toEqual([]);
  });

  it('is refused to any other purpose, and for one that is missing', () => {
    const other = command({ purposeId: 'pharmacy' });
    expect(() => claimCheckpointId(here, other, defined)).toThrow(refusedAs('policy.checkpoint-exists'));
    for (const owner of [undefined, here]) {
      expect(() => claimCheckpointId(owner, other, PurposeStream.initial)).toThrow(refusedAs('policy.purpose-missing'));
    }
  });
});

describe('the alternatives', () => {
  const staffed = { ...checkpoint, methods: [{ kind: 'staff', enabled: true }] };
  const second = { ...CheckpointOpened({ checkpointId: 'pharmacy-desk', terms: CheckpointTerms.parse(staffed) }), at };
  const checkpoints = stateOf(CheckpointStream, [opened, second, opened]);

  it('are those of every checkpoint, each named once, or of the one that is meant', () => {
    expect(alternativesAt(checkpoints)).toEqual(['id-card', 'staff']);
    expect(alternativesAt(checkpoints, CheckpointId.parse('pharmacy-desk'))).toEqual(['staff']);
    expect(alternativesAt(checkpoints, CheckpointId.parse('nowhere'))).toEqual([]);
  });
});
