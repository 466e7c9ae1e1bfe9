import type { SubjectId } from '#lib/core';
import { Gallery, GalleryFull, type Rotation } from '#lib/matcher';
import type { MatcherNode } from '#lib/matching/contract';
import type { Clock } from '#lib/ports';
import type { Template, TemplateVault } from '#lib/templates/contract';
import type { GalleryMembers, Member } from './gallery-members.js';
import type { GalleryName } from './gallery-name.js';

/** So many subjects are read in one round trip, and their templates opened side by side. */
const chunkSubjects = 32;
const minuteMs = 60_000;

/** What the templates of a gallery come from. */
export interface GallerySources {
  readonly members: GalleryMembers;
  readonly vault: TemplateVault;
  readonly node: MatcherNode;
  readonly clock: Clock;
}

/** The gallery was let go of meanwhile: what was found in it, or not found, does not count. */
export class GalleryClosed extends Error {
  override readonly name = 'GalleryClosed';
}

/**
 * The gallery of a purpose in this process: made from the vault, then kept by the log, in its order. Of whoever a fact is
 * about it is looked up in the streams what they may be compared with now, so a fact that comes again, or late, does no
 * harm. Nothing but rotated rows and ids is in it, and a row is only taken while the node is `using` the template: an eviction
 * waits for that, and comes to nothing that it would miss.
 */
export class KeptGallery {
  /** Subjects that were looked up, of those there were when it was begun. */
  readonly progress = { done: 0, total: 0 };
  private readonly subjects = new Map<string, SubjectId>();
  /** Templates that would be in it if there was room. */
  private readonly left = new Set<string>();
  private readonly unread = new Set<string>();
  private searchesMs: number[] = [];
  private searching = 0;
  private place = 0;
  private following: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private isClosed = false;

  constructor(
    readonly name: GalleryName,
    readonly rotationVersion: number,
    readonly gallery: Gallery,
    readonly rotation: Rotation,
    private readonly from: GallerySources,
  ) {}

  /** Templates that belong in it and did not fit. While there are any it is not to be searched: somebody would be missing. */
  get leftOut(): number {
    return this.left.size;
  }

  /** Templates that cannot be opened, so that nobody is found by them. */
  get unreadable(): number {
    return this.unread.size;
  }

  /** @throws GalleryClosed, and faults of stores and keys: then it is to be closed, and begun anew */
  async build(): Promise<void> {
    const { place, subjects } = await this.from.members.listed(this.name);
    this.place = place;
    this.progress.total = subjects.length;
    await this.lookUp(subjects, () => {
      this.progress.done = Math.min(this.progress.total, this.progress.done + chunkSubjects);
    });
    await this.follow();
  }

  /** Resolves when all that was stored before the call is in it. Whoever asks meanwhile shares the next round. */
  follow(): Promise<void> {
    this.next ??= (this.following ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        this.following = this.catchUp();
        return this.following;
      });
    return this.next;
  }

  subjectOf(templateId: string): SubjectId | undefined {
    return this.subjects.get(templateId);
  }

  holds(templateId: string): boolean {
    return this.gallery.has(templateId);
  }

  /** Zeros before it returns. */
  forget(templateId: string): void {
    this.gallery.forget(templateId);
    this.subjects.delete(templateId);
    this.left.delete(templateId);
    this.unread.delete(templateId);
  }

  /** Overwrites everything before it returns, and takes nothing any more. */
  close(): void {
    this.isClosed = true;
    this.gallery.clearAll();
    this.rotation.forget();
    this.subjects.clear();
    this.left.clear();
    this.unread.clear();
  }

  /** @throws GalleryClosed */
  assertOpen(): void {
    if (this.isClosed) throw new GalleryClosed();
  }

  /**
   * Counts a search in, unless the purpose was searched `max` times in the last minute, by whichever process: searches
   * elsewhere are seen once they are in the log. The answer counts it out, when it is in the log itself.
   * @returns undefined, or in how many seconds there is room again
   */
  countIn(max: number): { readonly out: () => void } | { readonly retryAfterSeconds: number } {
    const nowMs = this.from.clock.now().getTime();
    this.searchesMs = this.searchesMs.filter((atMs) => atMs > nowMs - minuteMs);
    if (this.searchesMs.length + this.searching >= max) {
      const oldestMs = this.searchesMs[0] ?? nowMs;
      return { retryAfterSeconds: Math.max(1, Math.ceil((oldestMs + minuteMs - nowMs) / 1_000)) };
    }
    this.searching += 1;
    return {
      out: () => {
        this.searching -= 1;
      },
    };
  }

  private async catchUp(): Promise<void> {
    for (;;) {
      const { place, isEnd, subjects, searchedAt } = await this.from.members.since(this.name, this.place);
      await this.lookUp(subjects);
      this.searchesMs.push(...searchedAt.map((at) => new Date(at).getTime()));
      this.place = place;
      if (isEnd) break;
    }
    await this.takeIn();
  }

  private async lookUp(subjects: readonly SubjectId[], after = () => {}): Promise<void> {
    for (let from = 0; from < subjects.length; from += chunkSubjects) {
      const members = await this.from.members.of(this.name, subjects.slice(from, from + chunkSubjects));
      await Promise.all(members.map((member) => this.keep(member)));
      after();
    }
  }

  /** Those who were left out, where somebody made room. */
  private async takeIn(): Promise<void> {
    const room = this.gallery.rowsMax - this.gallery.size;
    if (this.left.size === 0 || room === 0) return;
    const subjects = [...this.left].slice(0, room).flatMap((id) => this.subjects.get(id) ?? []);
    await this.lookUp([...new Set(subjects)]);
  }

  private async keep({ subjectId, kept, others }: Member): Promise<void> {
    for (const { terms } of others) this.forget(terms.templateId);
    for (const template of kept) {
      const { templateId } = template.terms;
      if (this.gallery.has(templateId)) continue;
      await this.from.node.using(this.name.tenant, templateId, () => this.take(subjectId, template));
    }
  }

  private async take(subjectId: SubjectId, template: Template): Promise<void> {
    const { templateId } = template.terms;
    const opened = await this.from.vault.open(this.name.tenant, template);
    if (!opened.ok) {
      if (opened.reason === 'unreadable') this.unread.add(templateId);
      return;
    }
    const rotated = this.isClosed ? undefined : this.rotation.rotate(opened.embedding);
    opened.embedding.fill(0);
    this.assertOpen();
    if (!rotated) return;
    try {
      this.subjects.set(templateId, subjectId);
      this.gallery.put(templateId, rotated);
      this.left.delete(templateId);
    } catch (error) {
      if (!(error instanceof GalleryFull)) throw error;
      this.left.add(templateId);
    } finally {
      rotated.fill(0);
    }
  }
}
