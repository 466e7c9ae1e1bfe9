import { Fault, type TenantId } from '#lib/core';
import type { Clock } from '../clock/clock.port.js';
import type { EventStore, StoredEvent } from '../event-store/event-store.port.js';
import type { Follower } from '../feed/feed.port.js';
import type { Documents, StoredDocument } from './documents.port.js';

const waitMaxMs = 2_000;
const stepMs = 5;
/** How far a view may run ahead of its stored position while nothing in it changes: what is folded again after a crash. */
const unstoredMax = 1_000;

/** The view did not reach the asked position in time. */
export class Lagging extends Fault {
  override readonly name = 'Lagging';
}

/** What a document is and where it stands in its view. */
export interface Shown<Body> {
  readonly key: string;
  readonly body: Body;
}

/** What one event does to one document. */
export interface DocumentChange<Body> {
  readonly id: string;
  /**
   * From what the document was, undefined for none, to what it is; undefined removes it. Pure. Answering the very object
   * it was given says that nothing changes, and costs no write.
   */
  readonly change: (before: Shown<Body> | undefined) => Shown<Body> | undefined;
}

/**
 * A view over the log, kept as documents: each event changes some of them, by id. Built again, it has the same bytes,
 * because time and ids come from the events alone. An event that comes again changes nothing: each document knows the
 * last one it shows.
 */
export abstract class DocumentView<Body = unknown> implements Follower {
  /** Also the name of its collection. */
  abstract readonly name: string;
  private readonly positions = new Map<TenantId, number>();
  private readonly stored = new Map<TenantId, number>();
  private log: EventStore | undefined;

  constructor(protected readonly documents: Documents) {}

  /** What the event changes; an empty list for one that is not for this view. Called again for an event that comes again. */
  protected abstract changes(event: StoredEvent): readonly DocumentChange<Body>[];

  async position(tenant: TenantId): Promise<number> {
    const known = this.positions.get(tenant);
    if (known !== undefined) return known;
    const stored = await this.documents.position(tenant, this.name);
    this.positions.set(tenant, stored);
    this.stored.set(tenant, stored);
    return stored;
  }

  async take(events: readonly StoredEvent[]): Promise<void> {
    const [first] = events;
    const last = events.at(-1);
    if (!first || !last) return;
    const { tenant } = first;
    const position = await this.position(tenant);
    if (last.sequence <= position) return;
    const { puts, removes } = await this.fold(
      tenant,
      events.filter(({ sequence }) => sequence > position),
    );
    const unstored = last.sequence - (this.stored.get(tenant) ?? 0);
    if (puts.length + removes.length > 0 || unstored >= unstoredMax) {
      await this.documents.write(tenant, { collection: this.name, puts, removes, position: last.sequence });
      this.stored.set(tenant, last.sequence);
    }
    this.positions.set(tenant, last.sequence);
  }

  /**
   * To be called before reading, so that a writer can read its own write. A view that another process keeps may have come
   * further than it stored, as long as nothing in it changed: so it is also looked whether what is not known to be in it
   * would change anything.
   * @throws Lagging when the view has not come to `position` after 2 s
   */
  async reach(tenant: TenantId, position: number, clock: Clock): Promise<void> {
    const deadline = clock.now().getTime() + waitMaxMs;
    let looked = -1;
    for (;;) {
      if ((this.positions.get(tenant) ?? 0) >= position) return;
      const stored = await this.documents.position(tenant, this.name);
      if (stored >= position) return;
      if (stored !== looked && (await this.isUnchangedBy(tenant, stored, position))) return;
      looked = stored;
      if (clock.now().getTime() > deadline) throw new Lagging(`${this.name} is behind position ${position}`);
      await clock.sleep(stepMs);
    }
  }

  /** Where the log is, which a view that is only read looks into. */
  readsFrom(log: EventStore): void {
    this.log = log;
  }

  reread(): void {
    this.positions.clear();
    this.stored.clear();
  }

  /** Forgets everything about a tenant, so that the feed builds it again. */
  async clear(tenant: TenantId): Promise<void> {
    await this.documents.clear(tenant, this.name);
    this.positions.delete(tenant);
    this.stored.delete(tenant);
  }

  /** What the events make of the documents that are stored. */
  private async fold(tenant: TenantId, events: readonly StoredEvent[]) {
    const changes = events.flatMap((event) =>
      this.changes(event).map((change) => ({ ...change, sequence: event.sequence })),
    );
    const before = await this.load(
      tenant,
      changes.map(({ id }) => id),
    );
    const after = new Map(before);
    const touched = new Set<string>();
    for (const { id, change, sequence } of changes) {
      const document = after.get(id);
      if (document && document.sequence >= sequence) continue;
      const shown = change(document);
      if (shown === document) continue;
      touched.add(id);
      if (shown) after.set(id, { id, key: shown.key, sequence, body: shown.body });
      else after.delete(id);
    }
    const puts = [...touched].flatMap((id) => after.get(id) ?? []);
    // Also what came and went within these events: another process may be late with what it was in between.
    const removes = [...touched].filter((id) => !after.has(id));
    return { puts, removes };
  }

  /** Whether the documents are as they are at `position` already, of a view that is stored up to `from`. */
  private async isUnchangedBy(tenant: TenantId, from: number, position: number): Promise<boolean> {
    const count = position - from;
    if (!this.log || count > unstoredMax) return false;
    const events = await this.log.readLog(tenant, from, count);
    if (events.length < count) return false;
    const { puts, removes } = await this.fold(tenant, events);
    return puts.length + removes.length === 0;
  }

  private async load(tenant: TenantId, ids: readonly string[]): Promise<Map<string, StoredDocument<Body>>> {
    const unique = [...new Set(ids)];
    const found = unique.length > 0 ? await this.documents.get<Body>(tenant, this.name, unique) : [];
    return new Map(found.flatMap((document) => (document ? [[document.id, document]] : [])));
  }
}
