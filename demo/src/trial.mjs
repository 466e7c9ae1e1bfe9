import { brightened, cropped, mirrored } from './alter.mjs';
import { inLanes } from './client.mjs';
import { interval } from './figures.mjs';
import { captured } from './people.mjs';
import { progress, say, share, table } from './table.mjs';

/** What a probe is to the portrait of its owner. None of these was used to calibrate the threshold card. */
const alterations = {
  'cropped by 15 % each side': (portrait) => cropped(portrait, 0.15),
  'brightened by 40 %': (portrait) => brightened(portrait, 1.4),
  mirrored,
};

const lanes = 8;

/** Takes the probes: the face found anew in each altered copy. `{ owner, alteration, descriptor }`, or none where no face was found. */
export async function takeProbes(find, people) {
  const show = progress('altered copies');
  const probes = [];
  for (const [index, owner] of people.entries()) {
    for (const [alteration, alter] of Object.entries(alterations)) {
      probes.push({ owner, alteration, descriptor: await captured(find, owner.portrait, alter) });
    }
    show(index + 1, people.length);
  }
  return probes;
}

/** Verifies every probe against every patient. `patients` is by person; answers `{ probe, isOwn, decision }` for each. */
export async function verifyAll(patients, probes) {
  const show = progress('verifications');
  const taken = probes.filter(({ descriptor }) => descriptor);
  const trials = taken.flatMap((probe) => [...patients].map(([person, patient]) => ({ probe, person, patient })));
  let done = 0;
  return inLanes(trials, lanes, async ({ probe, person, patient }) => {
    const { status, body } = await patient.verify(probe.descriptor);
    show(++done, trials.length);
    if (status !== 200) throw new Error(`Patient ${patient.name} has consented, and is refused: ${body.type}`);
    return { probe, isOwn: person === probe.owner, decision: body.decision };
  });
}

/** Prints what came of the trials, by alteration and in all. */
export function showOutcome(probes, outcomes) {
  const row = (title, missed, list) => {
    const count = (decision) => list.filter((outcome) => outcome.decision === decision).length;
    return [title, list.length, count('accept'), count('inconclusive'), count('reject'), missed];
  };
  const own = outcomes.filter(({ isOwn }) => isOwn);
  const others = outcomes.filter(({ isOwn }) => !isOwn);
  const missed = probes.filter(({ descriptor }) => !descriptor);
  const of = (name) => (list) => list.filter((item) => (item.probe ?? item).alteration === name);
  const accepted = (list) => list.filter(({ decision }) => decision === 'accept').length;
  table([
    ['probe', 'verified', 'accept', 'inconclusive', 'reject', 'no face found'],
    ...Object.keys(alterations).map((name) => row(`own face, ${name}`, of(name)(missed).length, of(name)(own))),
    row("another's face, all of these", '', others),
  ]);
  const { low, high } = interval(accepted(others), others.length);
  const percent = (rate) => `${(100 * rate).toFixed(2)} %`;
  console.log();
  say(`true accepts   ${share(accepted(own), own.length)}`);
  say(`false accepts  ${share(accepted(others), others.length)}, 95 % interval ${percent(low)} to ${percent(high)}`);
  say('if the comparisons were independent, which they are not: there are few faces, and they calibrated the card.');
}
