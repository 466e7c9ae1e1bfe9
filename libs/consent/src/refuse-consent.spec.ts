import { type DatedFact, stateOf } from '#lib/core';
import { CheckpointId, CheckpointOpened, CheckpointStream, PurposeDefined, PurposeStream } from '#lib/policy/contract';
import { consentId, refusalId, terms } from '../../../test/support/consent.js';
import { checkpoint, checkpointId, purpose, purposeId } from '../../../test/support/policy.js';
import { ConsentGiven, ConsentId, ConsentRefused, ConsentStream, ConsentWithdrawn, Terms } from './consent.stream.js';
import { refuseConsent } from './refuse-consent.js';

const at = '2026-05-01T00:00:00.000Z';
const now = new Date('2026-06-01T00:00:00Z');
const dated = <F extends object>(fact: F) => ({ ...fact, at });
const checkpoints = stateOf(CheckpointStream, [
  dated(CheckpointOpened({ checkpointId, terms: { ...checkpoint, methods: [...checkpoint.methods] } })),
]);
const defined = stateOf(PurposeStream, [
  dated(PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } })),
]);
const upon = [{ status: 'registered' }, defined, checkpoints] as const;
const { subjectId, purposeId: of } = Terms.parse(terms);
const said = { subjectId, purposeId: of, checkpointId: CheckpointId.parse(checkpointId), channel: 'kiosk-1' };
const refused = ConsentRefused({ refusalId, ...said });
const given = dated(ConsentGiven({ consentId, ...terms }));
const withdrawn = dated(ConsentWithdrawn({ consentId, subjectId, purposeId: of, channel: 'counter' }));
const refusedAs = (code: string) => expect.objectContaining({ code });

const refuse = (
  past: readonly DatedFact[],
  { change = {}, on = upon as Parameters<typeof refuseConsent>[3], instant = now } = {},
) => {
  const command = { refusalId: ConsentId.parse(refusalId), said: { ...said, ...change } };
  return refuseConsent(stateOf(ConsentStream, past), command, instant, on);
};

describe('refuse consent', () => {
  it('records who said no to what, and where', () => {
    expect(refuse([])).toEqual([refused]);
  });

  it('records nothing when repeated, even when consent was given since', () => {
    expect(refuse([dated(refused)])).toEqual([]);
    expect(refuse([dated(refused), given])).toEqual([]);
  });

  it.each([{ channel: 'kiosk-2' }, { checkpointId: CheckpointId.parse('pharmacy-desk') }])(
    'is refused when its id was said elsewhere: %j',
    (change) => {
      expect(() => refuse([dated(refused)], { change })).toThrow(refusedAs('consent.id-taken'));
    },
  );

  it('is refused while a consent stands, and possible once that is withdrawn or over', () => {
    expect(() => refuse([given])).toThrow(refusedAs('consent.still-given'));
    expect(refuse([given, withdrawn])).toEqual([refused]);
    expect(refuse([given], { instant: new Date(terms.validUntil) })).toEqual([refused]);
  });

  it.each<[string, Parameters<typeof refuseConsent>[3]]>([
    ['subjects.missing', [{ status: 'none' }, defined, checkpoints]],
    ['subjects.missing', [{ status: 'erasing' }, defined, checkpoints]],
    ['policy.purpose-missing', [{ status: 'registered' }, PurposeStream.initial, checkpoints]],
    ['policy.checkpoint-missing', [{ status: 'registered' }, defined, []]],
  ])('is refused as %s where what it refers to is not there', (code, on) => {
    expect(() => refuse([], { on })).toThrow(refusedAs(code));
  });
});
