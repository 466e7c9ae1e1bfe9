import { Logger } from '@nestjs/common';
import type { TenantId } from '#lib/core';
import type { Clock, EventStore } from '#lib/ports';
import { type EventRecord, recordOf } from './cloud-event.js';
import type { RelayPartitions } from './relay-partitions.js';
import type { PartitionPlace, RelayPlaces } from './relay-places.js';
import type { RelayPublisher } from './relay-publisher.js';
import type { RelayQueue } from './relay-queue.js';

const tenantsMax = 32;
const eventsMax = 1_000;
/** Of one partition's part of a round, in characters: a broker takes batches of a MiB, unless told otherwise. */
const charactersMax = 900_000;
/** Of what is around the data of an event, headers above all. */
const aroundMax = 600;
const retryMinMs = 100;
const retryMaxMs = 5_000;
/** Of those that wait, how many a status looks up. */
const statusMax = 100;

export interface RelayStatus {
  /** Of sixteen. */
  readonly shares: number;
  /** Events of this relay's tenants that are stored and not acknowledged; of at most a hundred tenants that wait. */
  readonly behind: number;
  /** The age of the oldest of them; 0 for none. */
  readonly oldestMs: number;
  /** Since this process began. */
  readonly published: number;
  readonly failures: number;
}

/** How far one tenant's log was read here and acknowledged there. Gone with its partition. */
interface Track {
  readonly tenant: TenantId;
  readonly place: PartitionPlace;
  acknowledged: number;
  read: number;
  retryMs: number;
  restUntilMs: number;
}

interface Page {
  readonly track: Track;
  /** The sequence before the first. */
  readonly after: number;
  readonly records: readonly EventRecord[];
}

interface Needs {
  readonly store: EventStore;
  readonly places: RelayPlaces;
  readonly partitions: RelayPartitions;
  readonly publisher: RelayPublisher;
  readonly queue: RelayQueue;
  readonly isLeased: (partition: number) => boolean;
  readonly ticks: Clock;
  readonly closing: AbortSignal;
}

/**
 * Publishes what is waiting, round by round: the next pages of some tenants, sent together. While one round is sent, the
 * next is read and the positions of the last are written down. At most two rounds of 1,000 events are held in memory.
 */
export class RelayRounds {
  private readonly tracks = new Map<TenantId, Track>();
  private readonly unsaved = new Set<Track>();
  private saving: Promise<void> | undefined;
  private published = 0;
  private failures = 0;
  private isFailing = false;
  /** After a failure each tenant goes alone for so many rounds: so one that cannot be sent holds up no other. */
  private alone = 0;
  private readonly log = new Logger('Relay');

  constructor(private readonly needs: Needs) {}

  async run(): Promise<void> {
    const { ticks, closing } = this.needs;
    let retryMs = retryMinMs;
    let next = this.gather();
    while (!closing.aborted) {
      let pages: readonly Page[] = [];
      try {
        pages = await next;
        next = this.gather();
        // Handled where it is awaited; until then it is no unhandled rejection.
        next.catch(() => undefined);
        await this.send(pages);
        retryMs = retryMinMs;
        this.isFailing = false;
      } catch (error) {
        this.failures++;
        this.isFailing = true;
        this.log.warn(`publishing failed, again in ${retryMs} ms: ${(error as Error).message}`);
        for (const { track } of pages) this.again(track, pages.length === 1);
        this.alone = pages.length > 1 ? pages.length : this.alone;
        await ticks.sleep(retryMs, closing);
        retryMs = Math.min(2 * retryMs, retryMaxMs);
        if (pages.length === 0) next = this.gather();
      }
    }
    await next.catch(() => undefined);
  }

  async status(): Promise<Omit<RelayStatus, 'shares'>> {
    const { store, queue, ticks, partitions } = this.needs;
    const waiting = new Set([...queue.all(), ...this.sending()].slice(0, statusMax));
    let behind = 0;
    let oldestMs = 0;
    for (const tenant of waiting) {
      if (!partitions.of(tenant)) continue;
      const after = (await this.trackOf([tenant]))[0]?.acknowledged ?? 0;
      behind += Math.max(0, (await store.head(tenant)) - after);
      const [oldest] = await store.readLog(tenant, after, 1);
      if (oldest) oldestMs = Math.max(oldestMs, ticks.now().getTime() - Date.parse(oldest.at));
    }
    return { behind, oldestMs, published: this.published, failures: this.failures };
  }

  /** @throws when what was tried last failed */
  async check(): Promise<void> {
    if (this.isFailing) throw new Error('publishing failed');
  }

  /** Writes down how far it came. */
  async close(): Promise<void> {
    await this.saving;
    await this.save();
  }

  /** The next round, as soon as there is something for one. */
  private async gather(): Promise<readonly Page[]> {
    const { queue, ticks, closing } = this.needs;
    while (!closing.aborted) {
      const arrived = queue.arrived();
      const nowMs = ticks.now().getTime();
      const isReady = (tenant: TenantId) => (this.tracks.get(tenant)?.restUntilMs ?? 0) <= nowMs;
      const tenants = queue.take(this.alone > 0 ? 1 : tenantsMax, isReady);
      if (tenants.length === 0) {
        await arrived;
        continue;
      }
      if (this.alone > 0) this.alone--;
      try {
        const pages = await this.read(tenants);
        if (pages.length > 0) return pages;
      } catch (error) {
        for (const tenant of tenants) queue.add(tenant);
        throw error;
      }
    }
    return [];
  }

  private async read(tenants: readonly TenantId[]): Promise<readonly Page[]> {
    const { store, queue } = this.needs;
    const limit = Math.max(1, Math.floor(eventsMax / tenants.length));
    const tracks = await this.trackOf(tenants);
    const room = new Map<number, number>();
    const pages: Page[] = [];
    await Promise.all(
      tracks.map(async (track) => {
        const after = track.read;
        const events = await store.readLog(track.tenant, after, limit);
        const records: EventRecord[] = [];
        const { partition } = track.place;
        let left = room.get(partition) ?? charactersMax;
        for (const event of events) {
          const record = recordOf(event);
          left -= record.value.length + aroundMax;
          // One alone goes whatever its size: the broker says whether it is too large.
          if (left < 0 && (records.length > 0 || room.has(partition))) break;
          records.push(record);
        }
        room.set(partition, left);
        track.read = after + records.length;
        if (records.length > 0) pages.push({ track, after, records });
        if (records.length < events.length || events.length === limit) queue.add(track.tenant);
      }),
    );
    return pages;
  }

  private async send(pages: readonly Page[]): Promise<void> {
    const standing = pages.filter((page) => this.stands(page));
    if (standing.length === 0) return;
    const parts = partsOf(standing);
    const records = new Map([...parts].map(([partition, each]) => [partition, each.flatMap((page) => page.records)]));
    const bases = await this.needs.publisher.send(records);
    for (const [partition, each] of parts) {
      const [{ track }] = each as [Page];
      const count = records.get(partition)?.length ?? 0;
      const isSame = await this.needs.partitions.filled(track.place, bases.get(partition) ?? -1, count);
      for (const page of each) {
        if (isSame) this.acknowledge(page);
        else this.again(page.track);
      }
    }
    this.saving ??= this.save().finally(() => {
      this.saving = undefined;
    });
  }

  /** Whether a page still is what comes next: it may have been read ahead of something that then failed. */
  private stands({ track, after }: Page): boolean {
    const isLeased = this.needs.isLeased(track.place.partition);
    const stands = isLeased && this.isCurrent(track) && track.acknowledged === after;
    if (!stands) this.again(track, !isLeased);
    return stands;
  }

  private acknowledge({ track, after, records }: Page): void {
    track.acknowledged = after + records.length;
    track.retryMs = retryMinMs;
    this.published += records.length;
    this.unsaved.add(track);
  }

  /** Positions that were not written stay to be written with the next. */
  private async save(): Promise<void> {
    const { places, partitions } = this.needs;
    const tracks = [...this.unsaved];
    if (tracks.length === 0) return;
    this.unsaved.clear();
    const filled = new Set(tracks.map(({ place }) => place.partition));
    const ends = partitions.all().filter(({ partition }) => filled.has(partition));
    const positions = tracks.map(({ tenant, place, acknowledged }) => {
      return { tenant, incarnation: place.incarnation, position: acknowledged };
    });
    try {
      await places.keep(ends, positions);
    } catch (error) {
      for (const track of tracks) this.unsaved.add(track);
      this.log.warn(`positions were not kept: ${(error as Error).message}`);
    }
  }

  /** Where each tenant stands, looked up where it is not known; none for a tenant whose partition is not held. */
  private async trackOf(tenants: readonly TenantId[]): Promise<readonly Track[]> {
    const { partitions, places } = this.needs;
    const known: Track[] = [];
    const unknown = new Map<TenantId, PartitionPlace>();
    for (const tenant of tenants) {
      const place = partitions.of(tenant);
      const track = this.tracks.get(tenant);
      if (track && this.isCurrent(track)) known.push(track);
      else if (place) unknown.set(tenant, place);
      else this.tracks.delete(tenant);
    }
    const asked = new Map([...unknown].map(([tenant, { incarnation }]) => [tenant, incarnation]));
    for (const [tenant, position] of unknown.size > 0 ? await places.positions(asked) : []) {
      const place = unknown.get(tenant) as PartitionPlace;
      const track = { tenant, place, acknowledged: position, read: position, retryMs: retryMinMs, restUntilMs: 0 };
      this.tracks.set(tenant, track);
      known.push(track);
    }
    return known;
  }

  private isCurrent(track: Track): boolean {
    return this.tracks.get(track.tenant) === track && this.needs.partitions.isHeld(track.place);
  }

  /** What was read and not acknowledged is read again; after a failure of its own, not at once. */
  private again(track: Track, hasFailed = false): void {
    const { ticks, queue, closing } = this.needs;
    track.read = track.acknowledged;
    queue.add(track.tenant);
    if (!hasFailed) return;
    track.restUntilMs = ticks.now().getTime() + track.retryMs;
    void ticks.sleep(track.retryMs, closing).then(() => queue.stir());
    track.retryMs = Math.min(2 * track.retryMs, retryMaxMs);
  }

  private sending(): TenantId[] {
    return [...this.tracks.values()]
      .filter(({ read, acknowledged }) => read > acknowledged)
      .map(({ tenant }) => tenant);
  }
}

function partsOf(pages: readonly Page[]): Map<number, Page[]> {
  const parts = new Map<number, Page[]>();
  for (const page of pages) {
    const { partition } = page.track.place;
    const part = parts.get(partition) ?? [];
    parts.set(partition, part);
    part.push(page);
  }
  return parts;
}
