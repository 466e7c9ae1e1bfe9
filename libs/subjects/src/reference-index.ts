import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { operator, readerOf, type SubjectId, type TenantId } from '#lib/core';
import { PersonalData } from '#lib/keys/contract';
import { Clock, Documents, EventStore, KeyService, type StoredDocument, Streams } from '#lib/ports';
import { Identity, identityContext } from './external-reference.js';
import { refusals, type Subject, SubjectRegistered, SubjectStream } from './subject.stream.js';

export const referencesCollection = 'references';
const collection = referencesCollection;
const batchMax = 1_000;
/** The position of an index that was built, as far as the log went then, and kept since. */
const built = 1;
/** Far longer than any registration takes between claim and fact: who comes later finds a claim that came to nothing. */
const claimMaxMs = 10 * 60 * 1_000;

interface Claim {
  readonly subjectId: SubjectId;
  readonly claimedAt: string;
}

const read = readerOf([SubjectRegistered]);

/**
 * Who is registered under an external reference: a record beside the log, found by a hash that is keyed per tenant.
 *
 * A reference is claimed before the subject's registration is recorded, so that it is unique and found at once, and
 * leaves no trace in the log, where it could not be erased. What counts is the log: a claim whose subject was never
 * registered under this very reference is nobody's, and may be taken over. Where the index is lost, the next start builds it again.
 */
@Injectable()
export class ReferenceIndex {
  /** Claims of the same reference go one after the other. In another process only two take-overs at once could meet. */
  private readonly claiming = new Map<string, Promise<void>>();
  /** Tenants whose index is known to be whole. */
  private readonly whole = new Set<TenantId>();

  constructor(
    private readonly documents: Documents,
    private readonly keyService: KeyService,
    private readonly personal: PersonalData,
    private readonly streams: Streams,
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /**
   * Durable once it resolved; the registration is to be recorded within 10 minutes.
   * @throws Refusal `subjects.reference-taken` while it is another subject's, or another registration is under way
   */
  async claim(tenant: TenantId, externalRef: string, subjectId: SubjectId): Promise<void> {
    const id = await this.idOf(tenant, externalRef);
    const place = `${tenant}/${id}`;
    const before = this.claiming.get(place) ?? Promise.resolve();
    const claimed = before.catch(() => undefined).then(() => this.claimNow(tenant, id, subjectId));
    this.claiming.set(place, claimed);
    try {
      await claimed;
    } finally {
      if (this.claiming.get(place) === claimed) this.claiming.delete(place);
    }
  }

  /** The subject that is registered under it; undefined for none, or one that is being erased. */
  async find(tenant: TenantId, externalRef: string): Promise<SubjectId | undefined> {
    const id = await this.idOf(tenant, externalRef);
    const [found] = await this.documents.get<Claim>(tenant, collection, [id]);
    if (!found) return undefined;
    const { subjectId } = found.body;
    const { state: subject } = await this.streams.load(tenant, SubjectStream, subjectId);
    if (subject.status !== 'registered') return undefined;
    return (await this.isRegisteredUnder(tenant, id, subjectId, subject)) ? subjectId : undefined;
  }

  /** Removes the reference of a subject, while its key still opens the registration; nothing afterwards. */
  async release(tenant: TenantId, subjectId: SubjectId, subject: Subject): Promise<void> {
    const identity = await this.identityOf(tenant, subjectId, subject);
    if (!identity) return;
    const id = await this.idOf(tenant, identity.externalRef);
    const [found] = await this.documents.get<Claim>(tenant, collection, [id]);
    if (found?.body.subjectId !== subjectId) return;
    await this.documents.write(tenant, { collection, puts: [], removes: [id] });
  }

  /** Builds the index again from the log and the keys that are left. Nobody may register anyone meanwhile. */
  async rebuild(tenant: TenantId, progress: (progress: { done: number; total: number }) => void): Promise<void> {
    const total = await this.store.head(tenant);
    await this.documents.clear(tenant, collection);
    this.whole.delete(tenant);
    for (let done = 0; done < total; ) {
      const events = await this.store.readLog(tenant, done, batchMax);
      const puts: StoredDocument<Claim>[] = [];
      for (const event of events) {
        const registered = read(event);
        if (!registered) continue;
        const { subjectId } = registered.data;
        const { state: subject } = await this.streams.load(tenant, SubjectStream, subjectId);
        const identity = await this.identityOf(tenant, subjectId, subject);
        if (identity) puts.push(claimOf(await this.idOf(tenant, identity.externalRef), subjectId, event.at));
      }
      if (puts.length > 0) await this.documents.write(tenant, { collection, puts, removes: [] });
      done = events.at(-1)?.sequence ?? total;
      progress({ done, total });
    }
    await this.documents.write(tenant, { collection, puts: [], removes: [], position: built });
  }

  /** Builds it again where it was lost; to be awaited before anyone is registered or looked up. */
  async ensure(): Promise<void> {
    for (const tenant of await this.store.tenants()) {
      if (tenant === operator || (await this.documents.position(tenant, collection)) === built) continue;
      await this.rebuild(tenant, () => undefined);
    }
  }

  /** Of a tenant without one when it begins: that is a new tenant, since `ensure` saw to all others. */
  private async begin(tenant: TenantId): Promise<void> {
    if (this.whole.has(tenant)) return;
    if ((await this.documents.position(tenant, collection)) !== built) {
      await this.documents.write(tenant, { collection, puts: [], removes: [], position: built });
    }
    this.whole.add(tenant);
  }

  private async claimNow(tenant: TenantId, id: string, subjectId: SubjectId): Promise<void> {
    await this.begin(tenant);
    const now = this.clock.now();
    const claim = claimOf(id, subjectId, now.toISOString());
    const there = await this.documents.create<Claim>(tenant, collection, claim);
    if (!there) return;
    if (there.body.subjectId !== subjectId && (await this.isTaken(tenant, id, there.body, now))) {
      throw refusals['reference-taken']();
    }
    await this.documents.write(tenant, { collection, puts: [claim], removes: [] });
  }

  private async isTaken(tenant: TenantId, id: string, { subjectId, claimedAt }: Claim, now: Date): Promise<boolean> {
    const { state: subject } = await this.streams.load(tenant, SubjectStream, subjectId);
    if (subject.status === 'none') return Date.parse(claimedAt) + claimMaxMs > now.getTime();
    return this.isRegisteredUnder(tenant, id, subjectId, subject);
  }

  private async isRegisteredUnder(tenant: TenantId, id: string, subjectId: SubjectId, subject: Subject) {
    const identity = await this.identityOf(tenant, subjectId, subject);
    return identity !== undefined && (await this.idOf(tenant, identity.externalRef)) === id;
  }

  private async identityOf(tenant: TenantId, subjectId: SubjectId, subject: Subject): Promise<Identity | undefined> {
    if (subject.sealed === undefined) return undefined;
    const identity = await this.personal.open(tenant, subjectId, identityContext, subject.sealed);
    return identity === undefined ? undefined : Identity.parse(identity);
  }

  private async idOf(tenant: TenantId, externalRef: string): Promise<string> {
    const secret = await this.keyService.secret(tenant, 'external-reference');
    return createHmac('sha256', secret).update(externalRef).digest('hex');
  }
}

const claimOf = (id: string, subjectId: SubjectId, claimedAt: string): StoredDocument<Claim> => ({
  id,
  key: id,
  sequence: 0,
  body: { subjectId, claimedAt },
});
