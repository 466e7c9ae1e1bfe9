import type { Gallery } from './gallery.js';
import type { Found } from './scan.program.js';
import type { Asked, Scanner } from './scanner.js';

/** So many at a time are scored exactly where only the best are wanted. */
const rescoredMin = 16;
/** How often a scan is done again because what decided it was changed meanwhile. */
const scansMax = 8;

/** The exact score of each template against the probe, by `cosine`; undefined for one that is gone. */
export type Rescore = (ids: readonly string[]) => Promise<readonly (number | undefined)[]>;

export interface Hit {
  readonly id: string;
  /** Exact. */
  readonly score: number;
}

/** The gallery changed faster than it could be searched. Come again. */
export class GalleryUnsteady extends Error {
  override readonly name = 'GalleryUnsteady';
}

interface Candidate {
  readonly id: string;
  readonly upper: number;
}

const better = (a: Hit, b: Hit) => b.score - a.score || (a.id < b.id ? -1 : 1);

/**
 * The templates that score `floor` or more, the best first and of equals the lesser id; all of them, or the best `count`: exactly
 * those that comparing each with `cosine` would give. Quantised rows only choose who is compared.
 *
 * A template that was put while this ran may be missing; one that was forgotten before this was called is not in it.
 * @param probe rotated as the gallery is
 * @throws ScanFailed, GalleryUnsteady, and what `rescore` throws
 */
export async function search(
  scanner: Scanner,
  gallery: Gallery,
  probe: Float64Array,
  asked: Asked,
  rescore: Rescore,
): Promise<Hit[]> {
  for (let scans = 0; scans < scansMax; scans++) {
    const since = gallery.now;
    const found = await scanner.scan(gallery, probe, asked);
    const candidates = standing(gallery, found, since);
    // Where the best were asked for, one that is not there any more may have kept another out.
    if (asked.count > 0 && candidates.length < found.length) continue;
    const { hits, isWhole } = await scored(candidates, asked, rescore);
    if (asked.count === 0 || isWhole) return hits;
  }
  throw new GalleryUnsteady('the gallery changed while it was searched: search again');
}

/** Who was in the rows that were found all the while, the most promising first. */
function standing(gallery: Gallery, { rows, upper, length }: Found, scannedFrom: number): Candidate[] {
  const candidates: Candidate[] = [];
  for (let at = 0; at < length; at++) {
    const { id, since } = gallery.holder(rows[at] as number);
    if (id !== undefined && since <= scannedFrom) candidates.push({ id, upper: upper[at] as number });
  }
  return candidates.sort((a, b) => b.upper - a.upper);
}

/** Scores candidates until no other can be wanted. `isWhole`: none of them was gone. */
async function scored(candidates: readonly Candidate[], { floor, count }: Asked, rescore: Rescore) {
  const hits: Hit[] = [];
  let isWhole = true;
  const size = count === 0 ? candidates.length : Math.max(count, rescoredMin);
  for (let from = 0; from < candidates.length; from += size) {
    const last = hits[count - 1];
    if (last && last.score > (candidates[from] as Candidate).upper) break;
    const some = candidates.slice(from, from + size);
    const scores = await rescore(some.map(({ id }) => id));
    some.forEach(({ id }, n) => {
      const score = scores[n];
      if (score === undefined) isWhole = false;
      else if (score >= floor) hits.push({ id, score });
    });
    hits.sort(better);
    if (count > 0) hits.length = Math.min(hits.length, count);
  }
  return { hits, isWhole };
}
