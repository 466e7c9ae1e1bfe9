import { Injectable } from '@nestjs/common';
import { type Caller, Fault, type SubjectId } from '#lib/core';
import { embeddingOf, ScanFailed, search } from '#lib/matcher';
import { matchRefusals } from '#lib/matching/contract';
import { Candidates, type Scored, type Search } from './candidates.js';
import { Galleries } from './galleries.js';
import type { KeptGallery } from './kept-gallery.js';

/** By the budget it is one in a thousand searches that comes to anybody who is not meant: more are a card that is wrong. */
const comparedMax = 50;

/** The search itself failed, or lost its gallery again and again. */
export class SearchFailed extends Fault {
  override readonly name = 'SearchFailed';
}

/** Looks through a gallery, and at whoever it comes to. Leaves no copy of the probe. */
@Injectable()
export class GallerySearch {
  constructor(
    private readonly galleries: Galleries,
    private readonly candidates: Candidates,
  ) {}

  /**
   * The closest template of each subject that reaches the threshold, the closest subject first; `limit` of them.
   * @param bytes little-endian f32, left as they are
   * @throws Refusal `matching.bad-embedding`, GalleryClosed, SearchFailed, and faults of stores and keys
   */
  async find(
    caller: Caller,
    kept: KeptGallery,
    sought: Search,
    { bytes, limit }: { readonly bytes: Uint8Array; readonly limit: number },
  ): Promise<{ readonly scored: readonly Scored[]; readonly reasons: readonly string[] }> {
    const given = embeddingOf(bytes, sought.card.model.dim);
    if (!given.ok) throw matchRefusals['bad-embedding']({ errors: [{ path: 'embedding', code: given.reason }] });
    const probe = given.embedding;
    let rotated: Float64Array | undefined;
    const scored = new Map<string, Scored>();
    let areTooMany = false;
    const score = async (ids: readonly string[]) => {
      areTooMany = ids.length > comparedMax;
      if (areTooMany) return ids.map(() => Number.NEGATIVE_INFINITY);
      return Promise.all(ids.map((id) => this.scoreOf(caller, kept, sought, id, probe, scored)));
    };
    try {
      kept.assertOpen();
      rotated = kept.rotation.rotate(probe);
      const asked = { floor: sought.card.accept, count: 0 };
      const hits = await search(this.galleries.scanner, kept.gallery, rotated, asked, score);
      kept.assertOpen();
      const closest = new Map<SubjectId, Scored>();
      for (const { id } of hits) {
        const hit = scored.get(id);
        if (hit && !closest.has(hit.subjectId)) closest.set(hit.subjectId, hit);
      }
      const reasons = [
        ...(areTooMany ? ['too-many-candidates'] : []),
        ...(kept.unreadable > 0 ? ['template-unreadable'] : []),
      ];
      return { scored: [...closest.values()].slice(0, limit), reasons };
    } catch (error) {
      if (error instanceof ScanFailed) throw new SearchFailed();
      throw error;
    } finally {
      probe.fill(0);
      rotated?.fill(0);
    }
  }

  private async scoreOf(
    { tenant }: Caller,
    kept: KeptGallery,
    sought: Search,
    templateId: string,
    probe: Float32Array,
    scored: Map<string, Scored>,
  ): Promise<number> {
    const subjectId = kept.subjectOf(templateId);
    const found = subjectId && (await this.candidates.score(tenant, sought, { subjectId, templateId }, probe));
    if (!found) return Number.NEGATIVE_INFINITY;
    scored.set(templateId, found);
    return found.score;
  }
}
