import { createSecretKey } from 'node:crypto';
import { cosine, Gallery, Rotation, Scanner, search } from '../../../dist/libs/matcher/src/index.js';
import { figure } from './figures.mjs';

const order = (a, b) => b.score - a.score || (a.id < b.id ? -1 : 1);

/** A new picture of somebody; every third is the very one that is enrolled, or a long one, and some are all in one coordinate. */
function probeOf(identities, who, n) {
  if (n % 12 === 1) return who.map((_, at) => (at === n % who.length ? -1 : 0));
  return n % 3 === 0 ? who.map((x) => x * (n % 2 ? 1 : 1_000)) : identities.probeOf(who);
}

/**
 * How often a decision of the engine is the one that comparing with everybody gives, thresholds on a score and beside it included:
 * who is accepted at a threshold, and who is the best. A third of the probes is made to mislead.
 */
export async function agreement(identities, { probes, people }) {
  const { dim } = identities;
  const scanner = new Scanner(1);
  const gallery = Gallery.of({ dim, rowsMax: people, lanes: scanner.lanes });
  const rotation = Rotation.of(createSecretKey(Buffer.alloc(32, 2)), { purpose: 'bench', version: 1, dim });
  const all = identities.people(people);
  const person = (n) => all.subarray(n * dim, (n + 1) * dim);
  // Some are twins of others, to the last bit but one.
  for (let n = 0; n < people; n += 10) person(n + 1).set(person(n).map((x, at) => (at === 0 ? x + 2 ** -24 : x)));
  for (let n = 0; n < people; n++) gallery.put(String(n), rotation.rotate(person(n)));
  const scores = new Float64Array(people);
  let agreed = 0;
  let rescored = 0;
  for (let n = 0; n < probes; n++) {
    const who = person(n % people);
    const probe = probeOf(identities, who, n);
    for (let at = 0; at < people; at++) scores[at] = cosine(person(at), probe);
    const beside = [0, 2 ** -53, -(2 ** -53)][n % 3];
    const floor = n % 2 ? 0.4 : scores[n % people] + beside;
    const rescore = async (ids) => {
      rescored += ids.length;
      return ids.map((id) => scores[Number(id)]);
    };
    const hits = await search(scanner, gallery, rotation.rotate(probe), { floor, count: n % 4 ? 0 : 1 }, rescore);
    const truth = [];
    for (const [at, score] of scores.entries()) if (score >= floor) truth.push({ id: String(at), score });
    truth.sort(order);
    if (JSON.stringify(hits) === JSON.stringify(n % 4 ? truth : truth.slice(0, 1))) agreed++;
  }
  await scanner.close();
  return { people, probes, agreed, rescoredPerProbe: figure(rescored / probes) };
}
