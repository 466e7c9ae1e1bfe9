/**
 * Makes `threshold-card.json` and `calibration.svg` from the sample photographs: `npm run demo:calibrate`, about two minutes.
 *
 * Genuine scores: a face in its photograph against altered copies of its portrait. None of the alterations is one that
 * the demo verifies with. Impostor scores: a face in its photograph against every other face, and its altered copies.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brightened, coarsened, recompressed, turned } from './alter.mjs';
import { dim, openFaces } from './faces.mjs';
import { cosine, interval } from './figures.mjs';
import { histogram } from './histogram.mjs';
import { captured, everyone } from './people.mjs';
import { chapter, progress, say, share, table } from './table.mjs';

const folder = join(import.meta.dirname, '..');

const alterations = {
  'darkened to 60 %': (portrait) => brightened(portrait, 0.6),
  'turned 10 degrees clockwise': (portrait) => turned(portrait, 10),
  'turned 10 degrees back': (portrait) => turned(portrait, -10),
  '40 % of the pixels each way': (portrait) => coarsened(portrait, 0.4),
  'JPEG of quality 20': (portrait) => recompressed(portrait, 20),
};

/** Of how many comparisons of different faces may `review` leave one inconclusive rather than rejected. */
const reviewShare = 0.01;

/** Thresholds have two digits, rounded up: a third would only describe these pairs. */
const upward = (score) => Math.floor(score * 100 + 1) / 100;

/** `accept` lies above every impostor score, as so few pairs show no smaller rate; `review` above all but one in a hundred. */
function thresholds(impostors) {
  const scores = impostors.map(({ score }) => score).sort((a, b) => b - a);
  return { accept: upward(scores[0]), review: upward(scores[Math.floor(scores.length * reviewShare)]) };
}

/** Every comparison: `{ score, people: [one, another] }`, of the same person in `genuine`, of two in `impostors`. */
async function compared(find) {
  const people = await everyone(find, progress('photographs'));
  const genuine = [];
  const impostors = [];
  const missed = [];
  const show = progress('altered copies');
  const compare = (probe, owner) => {
    for (const person of people) {
      const list = person === owner ? genuine : impostors;
      list.push({ score: cosine(person.descriptor, probe), people: [person, owner] });
    }
  };
  for (const [index, person] of people.entries()) {
    for (const other of people.slice(0, index)) {
      impostors.push({ score: cosine(person.descriptor, other.descriptor), people: [person, other] });
    }
    for (const [name, alter] of Object.entries(alterations)) {
      const probe = await captured(find, person.portrait, alter);
      if (probe) compare(probe, person);
      else missed.push(`${person.name} ${name}`);
    }
    show(index + 1, people.length);
  }
  return { people, genuine, impostors, missed };
}

/** The same thresholds made without one photograph, tried on the comparisons it is in: do they carry over? */
function leftOut({ people, genuine, impostors }) {
  const photographs = [...new Set(people.map(({ photograph }) => photograph))];
  return photographs.map((photograph) => {
    const isIn = ({ people: both }) => both.some((person) => person.photograph === photograph);
    const { accept } = thresholds(impostors.filter((comparison) => !isIn(comparison)));
    const accepted = (list) => list.filter(isIn).filter(({ score }) => score >= accept).length;
    const [own, others] = [genuine, impostors].map((list) => list.filter(isIn).length);
    return [photograph, accept, share(own - accepted(genuine), own), share(accepted(impostors), others)];
  });
}

function cardOf({ people, genuine, impostors, missed }) {
  const { accept, review } = thresholds(impostors);
  // Comparisons of the same two faces say much the same: what is counted is pairs of faces, of which one match is enough.
  const pairs = (people.length * (people.length - 1)) / 2;
  const matched = new Set(
    impostors
      .filter(({ score }) => score >= accept)
      .map(({ people: both }) =>
        both
          .map(({ name }) => name)
          .sort()
          .join(' '),
      ),
  ).size;
  const { low, high } = interval(matched, pairs);
  const rejected = genuine.filter(({ score }) => score < accept).length;
  const dataset = [
    `The ${people.length} faces found in the ${new Set(people.map(({ photograph }) => photograph)).size} sample photographs of the npm package @vladmandic/face-api 1.7.15.`,
    `Impostors: ${pairs} pairs of different faces, ${impostors.length} comparisons; whether someone is in two photographs is not known.`,
    `Genuine: ${genuine.length} altered copies of the same photographs (${Object.keys(alterations).join(', ')}), of which ${rejected} score below accept; no face was found in ${missed.length} more.`,
    'Copies are easier than new captures, and so few faces, so alike, say nothing of other people: a card for a demonstration, never for patients.',
  ].join(' ');
  return {
    model: { id: 'face-api-resnet34', version: '1.7.15', dim },
    metric: 'cosine',
    accept,
    review,
    fmr: matched / pairs,
    interval: { low, high: Number(high.toFixed(6)) },
    dataset,
  };
}

async function calibrate() {
  chapter('Comparing');
  const comparisons = await compared(await openFaces());
  const card = cardOf(comparisons);
  await writeFile(join(folder, 'threshold-card.json'), `${JSON.stringify(card, null, 2)}\n`);
  const scores = (list) => list.map(({ score }) => score);
  const picture = { genuine: scores(comparisons.genuine), impostor: scores(comparisons.impostors), ...card };
  await writeFile(join(folder, 'calibration.svg'), histogram(picture));

  chapter('The card');
  say(`accept ${card.accept}, review ${card.review}`);
  say(`false match rate ${card.fmr}, 95 % interval ${card.interval.low} to ${card.interval.high}`);
  say(card.dataset);
  say(`no face found: ${comparisons.missed.join('; ') || 'never'}`);
  chapter('The same without one photograph, tried on it');
  table([['left out', 'accept', 'false rejects', 'false accepts'], ...leftOut(comparisons)]);
}

await calibrate();
