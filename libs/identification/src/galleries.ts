import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { purposeHindrance } from '#lib/consent/contract';
import type { TenantId } from '#lib/core';
import { Gallery, Rotation, Scanner } from '#lib/matcher';
import { MatcherNode, type NodeMemory } from '#lib/matching/contract';
import { type Purpose, PurposeStream } from '#lib/policy/contract';
import { Clock, type Figure, KeyService, Streams } from '#lib/ports';
import { TemplateVault } from '#lib/templates/contract';
import { GalleryMembers } from './gallery-members.js';
import type { GalleryName, GalleryWanted } from './gallery-name.js';
import { refusals } from './identification.stream.js';
import { IdentifyingPurposes } from './identifying-purposes.view.js';
import { KeptGallery } from './kept-gallery.js';

export interface IdentificationSettings {
  /** What all galleries of this process may take, when they are full; 0 where nobody is identified here. */
  readonly memoryMaxBytes: number;
  /** Threads that scan them. */
  readonly threads: number;
}
export const identificationSettings = Symbol('identification settings');

/** A purpose's gallery, and the one that is to take its place. */
interface Place {
  serving?: KeptGallery;
  coming?: KeptGallery;
}

const followEveryMs = 1_000;
/** How many rounds of following go by between two looks for purposes that have no gallery here. */
const lookEvery = 30;

/**
 * The galleries of this process, in memory alone: made from the vault at the start and for whoever asks first, kept by the
 * log, let go of when their purpose permits nothing any more. A node that is fenced holds none. They fit together into
 * the memory that they may take, each counted as if it was full: what does not fit is refused, before any of it is made.
 */
@Injectable()
export class Galleries implements NodeMemory, OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly figures: readonly Figure[] = [
    {
      name: 'lethe_gallery_templates',
      help: 'Templates in the galleries of this process',
      kind: 'gauge',
      read: () => this.sum(({ gallery }) => gallery.size),
    },
    {
      name: 'lethe_gallery_bytes',
      help: 'Memory that the galleries of this process take',
      kind: 'gauge',
      read: () => this.sum(({ gallery }) => gallery.memoryBytes),
    },
    {
      name: 'lethe_gallery_left_out_templates',
      help: 'Templates that should be in a gallery of this process and are not',
      kind: 'gauge',
      read: () => this.sum(({ leftOut, unreadable }) => leftOut + unreadable),
    },
    {
      name: 'lethe_gallery_building_subjects',
      help: 'Subjects that are still to be looked up for galleries that are being made',
      kind: 'gauge',
      read: () => this.sum(({ progress: { total, done } }) => total - done),
    },
  ];
  private readonly places = new Map<string, Place>();
  private readonly stopping = new AbortController();
  private readonly log = new Logger(Galleries.name);
  private running: Promise<void> | undefined;
  private made: Scanner | undefined;

  constructor(
    private readonly members: GalleryMembers,
    private readonly vault: TemplateVault,
    private readonly node: MatcherNode,
    private readonly keys: KeyService,
    private readonly streams: Streams,
    private readonly purposes: IdentifyingPurposes,
    private readonly clock: Clock,
    @Inject(identificationSettings) private readonly settings: IdentificationSettings,
  ) {}

  get scanner(): Scanner {
    this.made ??= new Scanner(this.settings.threads);
    return this.made;
  }

  get isOn(): boolean {
    return this.settings.memoryMaxBytes > 0;
  }

  onApplicationBootstrap(): void {
    if (!this.isOn) return;
    this.node.add(this);
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.forgetAll();
    await this.made?.close();
  }

  /**
   * The gallery that is to be searched now, whole. Where its key was renewed the one of the last key serves until the next
   * one is made, unless there is no memory for both.
   * @throws Refusal `off`, `no-memory`, `building`
   */
  async of(wanted: GalleryWanted): Promise<KeptGallery> {
    if (!this.isOn) throw refusals.off();
    const { serving, coming } = await this.placeOf(wanted);
    if (serving) return serving;
    throw refusals.building({ ...coming?.progress, retryAfterSeconds: 1 });
  }

  forget(tenant: TenantId, templateId: string): void {
    for (const kept of this.all()) if (kept.name.tenant === tenant) kept.forget(templateId);
  }

  remembers(tenant: TenantId, templateId: string): boolean {
    return this.all().some((kept) => kept.name.tenant === tenant && kept.holds(templateId));
  }

  forgetAll(): void {
    for (const kept of this.all()) this.close(kept);
    this.places.clear();
  }

  private all(): KeptGallery[] {
    return [...this.places.values()].flatMap(({ serving, coming }) => [serving, coming]).filter((kept) => !!kept);
  }

  private sum(of: (kept: KeptGallery) => number): number {
    return this.all().reduce((sum, kept) => sum + of(kept), 0);
  }

  private close(kept: KeptGallery): void {
    kept.close();
    this.scanner.release(kept.gallery);
  }

  /** As it stands, after what is to be begun was begun. */
  private async placeOf(wanted: GalleryWanted): Promise<Place> {
    const name = keyOf(wanted);
    const { rotationVersion } = wanted;
    const isRight = (kept: KeptGallery | undefined) => kept?.rotationVersion === rotationVersion;
    const known = this.places.get(name);
    if (known && (isRight(known.serving) || isRight(known.coming))) return known;
    const secret = await this.keys.secret(wanted.tenant, 'rotation');
    // Others may have begun it meanwhile.
    const place = this.places.get(name) ?? {};
    if (isRight(place.serving) || isRight(place.coming)) return place;
    if (this.node.fenced) throw refusals.building({ retryAfterSeconds: 1 });
    if (place.coming) this.close(place.coming);
    delete place.coming;
    const gallery = this.makeRoom(wanted, place);
    const { purposeId: purpose, model } = wanted;
    const rotation = Rotation.of(secret, { purpose, version: rotationVersion, dim: model.dim });
    const { members, vault, node, clock } = this;
    const coming = new KeptGallery(wanted, rotationVersion, gallery, rotation, { members, vault, node, clock });
    place.coming = coming;
    this.places.set(name, place);
    void this.build(name, coming);
    return place;
  }

  /** @throws Refusal `no-memory`, with figures */
  private makeRoom({ model, rule: { galleryMax } }: GalleryWanted, place: Place): Gallery {
    const { memoryMaxBytes } = this.settings;
    const gallery = Gallery.of({ dim: model.dim, rowsMax: galleryMax, lanes: this.scanner.lanes });
    const neededBytes = gallery.memoryMaxBytes;
    const takenBytes = () => this.sum((kept) => kept.gallery.memoryMaxBytes);
    if (takenBytes() + neededBytes > memoryMaxBytes && place.serving) {
      this.close(place.serving);
      delete place.serving;
    }
    const taken = takenBytes();
    if (taken + neededBytes > memoryMaxBytes) {
      const figures = { neededBytes, takenBytes: taken, memoryMaxBytes };
      this.log.warn(`a gallery needs ${neededBytes} bytes; ${taken} of ${memoryMaxBytes} are taken`);
      throw refusals['no-memory']({ ...figures, retryAfterSeconds: 60 });
    }
    return gallery;
  }

  private async build(name: string, coming: KeptGallery): Promise<void> {
    const begunMs = this.clock.now().getTime();
    const place = this.places.get(name);
    try {
      await coming.build();
      coming.assertOpen();
      if (place?.coming !== coming) return;
      const last = place.serving;
      place.serving = coming;
      delete place.coming;
      if (last) this.close(last);
      const seconds = ((this.clock.now().getTime() - begunMs) / 1_000).toFixed(1);
      this.log.log(`a gallery of ${coming.gallery.size} templates was made in ${seconds} s`);
    } catch {
      // A store, or keys, or the lease: whoever asks next begins it anew.
      this.close(coming);
      if (place?.coming === coming) delete place.coming;
      this.log.warn('a gallery could not be made; it is tried again');
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let round = 0; !signal.aborted; round++) {
      if (round % lookEvery === 0) await this.open().catch(() => this.log.warn('galleries could not be looked for'));
      await Promise.all([...this.places].map(([name, place]) => this.keepUp(name, place)));
      await this.clock.sleep(followEveryMs, signal);
    }
  }

  /** Begins what is not begun yet, so that the first search need not wait. */
  private async open(): Promise<void> {
    for await (const { tenant, purposeId } of this.purposes.all()) {
      if (this.stopping.signal.aborted) return;
      const wanted = await this.purposes.wantedOf(tenant, purposeId);
      if (wanted) await this.placeOf(wanted).catch(() => undefined);
    }
  }

  private async keepUp(key: string, place: Place): Promise<void> {
    const kept = place.serving ?? place.coming;
    if (!kept) return;
    try {
      const { tenant, purposeId } = kept.name;
      const { state } = await this.streams.load(tenant, PurposeStream, purposeId);
      if (!this.isWanted(state)) return this.letGo(key, place);
      if (place.serving) await place.serving.follow();
    } catch {
      this.log.warn('a gallery could not be kept up; whoever searches it has it done first');
    }
  }

  private isWanted(purpose: Purpose): boolean {
    return purposeHindrance(purpose, this.clock.now()) === undefined;
  }

  private letGo(key: string, { serving, coming }: Place): void {
    for (const kept of [serving, coming]) if (kept) this.close(kept);
    this.places.delete(key);
  }
}

const keyOf = ({ tenant, purposeId, model: { id, version } }: GalleryName) => `${tenant}/${purposeId}/${id}@${version}`;
