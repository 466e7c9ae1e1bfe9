import { readFile } from 'node:fs/promises';
import { cut, decoded } from './alter.mjs';
import { photographs } from './faces.mjs';

/** In a photograph: all that are faces beyond doubt. In a portrait there is one, and it may be dark or turned away. */
const minConfidence = { photograph: 0.5, portrait: 0.2 };

/** A portrait's side, in heights of the face in it. */
const portraitSize = 2.2;

/** How far from a portrait's centre its face may be, in sides of the portrait: beyond, it is a neighbour's. */
const offCentreMax = 0.2;

const centreOf = ({ x, y, width, height }) => [x + width / 2, y + height / 2];

/**
 * Everyone in the sample photographs: `{ name, photograph, descriptor, portrait }`. `name` is `2.1` for the first from
 * the left in the second photograph; `descriptor` is from the photograph; `portrait` is cut out of it, face in the middle.
 */
export async function everyone(find, progress) {
  const people = [];
  for (const [index, file] of photographs.entries()) {
    const photograph = index + 1;
    const pixels = decoded(await readFile(file));
    for (const [place, { box, descriptor }] of (await find(pixels, minConfidence.photograph)).entries()) {
      const [x, y] = centreOf(box);
      const size = Math.max(box.width, box.height) * portraitSize;
      const portrait = cut(pixels, { x: x - size / 2, y: y - size / 2, width: size, height: size });
      people.push({ name: `${photograph}.${place + 1}`, photograph, descriptor, portrait });
    }
    progress(photograph, photographs.length);
  }
  return people;
}

/** The descriptor of the face in an altered portrait, found anew; undefined when the detector finds none in the middle. */
export async function captured(find, portrait, alter) {
  const picture = alter(portrait);
  const offCentre = ({ box }) => {
    const [x, y] = centreOf(box);
    return Math.hypot(x / picture.width - 0.5, y / picture.height - 0.5);
  };
  const [closest] = (await find(picture, minConfidence.portrait)).sort((a, b) => offCentre(a) - offCentre(b));
  return closest && offCentre(closest) <= offCentreMax ? closest.descriptor : undefined;
}
