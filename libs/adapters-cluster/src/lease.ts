import type { Connection } from 'mongoose';
import type { Clock } from '#lib/ports';

const collectionName = 'leases';
/** Some of them are shares, the others one for each process that wants some. Far more than there ever will be. */
const leasesMax = 1_000;
/** A process unseen for so many leases is not coming back under that name. */
const forgottenAfter = 10;

interface LeaseDocument {
  readonly _id: string;
  /** Undefined where it says that a process is there, and holds nothing. */
  readonly share?: number;
  /** Empty for a share that was given back. */
  readonly holder: string;
  /** Raised whenever it changes hands. */
  readonly term: number;
  /** Raised by its holder while it lives. */
  readonly beat: number;
}

/** Work that any number of processes divide among themselves. */
export interface SharedWork {
  /** Of the characters of a topic's name. */
  readonly name: string;
  readonly shares: number;
  /** How long a share stays with a process that is not heard of any more. */
  readonly leaseMs: number;
}

/**
 * Shares of some work, each with one process at a time, as evenly as may be: one document per share, changed only by
 * compare-and-set. Whoever comes is given some, and what a dead process held is taken over after `leaseMs`.
 *
 * No clock is compared with another machine's. A lease has run out when its document has not changed for `leaseMs` of the
 * onlooker's own time; its holder counts from before it last changed it, so it always stops believing first. Only a
 * process that stands still between looking at `held` and acting on it may act after its lease: whoever uses this must
 * bear that.
 */
export class Leases {
  private readonly marks = new Map<string, { readonly mark: string; readonly sinceMs: number }>();
  private mine: ReadonlyMap<number, number> = new Map();
  private untilMs = 0;

  constructor(
    private readonly connection: Connection,
    private readonly work: SharedWork,
    /** Names one process in one life: one that started again is another. */
    private readonly holder: string,
    private readonly ticks: Clock,
  ) {}

  /** The shares held for certain, each with its term; none once they could not be renewed in time. */
  held(): ReadonlyMap<number, number> {
    return this.isRenewed() ? this.mine : new Map();
  }

  /** Whether the last turn was lately enough. */
  isRenewed(): boolean {
    return this.now() < this.untilMs;
  }

  /** Renews what is held and takes or gives back what is fair: to be called several times within `leaseMs`. */
  async turn(): Promise<void> {
    const begunMs = this.now();
    await this.beat();
    const found = await this.collection().find(this.range()).limit(leasesMax).toArray();
    this.observe(found);
    const ours = found.filter(({ share, holder }) => share !== undefined && holder === this.holder);
    const holders = found
      .filter((each) => each.share === undefined && !this.isLapsed(each))
      .map(({ holder }) => holder);
    const fair = Math.ceil(this.work.shares / Math.max(1, holders.length));
    const kept = ours.slice(0, fair);
    for (const surplus of ours.slice(fair)) await this.giveBack(surplus);
    const first = holders.sort().indexOf(this.holder) * fair;
    const taken: LeaseDocument[] = [];
    for (let n = 0; n < this.work.shares && kept.length + taken.length < fair; n++) {
      const share = (first + n) % this.work.shares;
      const lease = await this.take(
        share,
        found.find((each) => each.share === share),
      );
      if (lease) taken.push(lease);
    }
    this.mine = new Map([...kept, ...taken].map(({ share = 0, term }) => [share, term]));
    this.untilMs = begunMs + this.work.leaseMs;
    await this.forgetTheDead(found);
  }

  /** Gives everything back at once, so that nobody waits for it to run out. */
  async release(): Promise<void> {
    this.untilMs = 0;
    this.mine = new Map();
    await this.collection().updateMany(this.own(), { $set: { holder: '' }, $inc: { beat: 1 } });
    await this.collection().deleteOne({ _id: this.id(`process/${this.holder}`) });
  }

  private async beat(): Promise<void> {
    const { holder } = this;
    const presence = { _id: this.id(`process/${holder}`) };
    await this.collection().updateOne(presence, { $inc: { beat: 1 }, $set: { holder, term: 0 } }, { upsert: true });
    await this.collection().updateMany(this.own(), { $inc: { beat: 1 } });
  }

  private async take(share: number, seen: LeaseDocument | undefined): Promise<LeaseDocument | undefined> {
    const { holder } = this;
    const _id = this.id(`share/${share}`);
    if (!seen) return this.make({ _id, share, holder, term: 1, beat: 0 });
    if (seen.holder === holder || (seen.holder !== '' && !this.isLapsed(seen))) return undefined;
    const same = { _id, holder: seen.holder, term: seen.term, beat: seen.beat };
    const change = { $set: { holder }, $inc: { term: 1 } };
    return (await this.collection().findOneAndUpdate(same, change, { returnDocument: 'after' })) ?? undefined;
  }

  /** Undefined where another process was first. */
  private async make(lease: LeaseDocument): Promise<LeaseDocument | undefined> {
    try {
      await this.collection().insertOne(lease);
      return lease;
    } catch (error) {
      if ((error as { code?: unknown }).code === 11_000) return undefined;
      throw error;
    }
  }

  private async giveBack({ _id, term }: LeaseDocument): Promise<void> {
    const ours = { _id, term, holder: this.holder };
    await this.collection().updateOne(ours, { $set: { holder: '' }, $inc: { beat: 1 } });
  }

  /** Remembers since when each lease has looked as it does. */
  private observe(found: readonly LeaseDocument[]): void {
    const nowMs = this.now();
    const ids = new Set(found.map(({ _id }) => _id));
    for (const id of this.marks.keys()) if (!ids.has(id)) this.marks.delete(id);
    for (const { _id, holder, term, beat } of found) {
      const mark = `${holder} ${term} ${beat}`;
      if (this.marks.get(_id)?.mark !== mark) this.marks.set(_id, { mark, sinceMs: nowMs });
    }
  }

  private isLapsed({ _id }: LeaseDocument, leases = 1): boolean {
    const sinceMs = this.marks.get(_id)?.sinceMs ?? this.now();
    return this.now() - sinceMs >= leases * this.work.leaseMs;
  }

  private async forgetTheDead(found: readonly LeaseDocument[]): Promise<void> {
    for (const { _id, share, beat, ...each } of found) {
      const isDead = share === undefined && this.isLapsed({ _id, beat, ...each }, forgottenAfter);
      if (isDead) await this.collection().deleteOne({ _id, beat });
    }
  }

  private id(name: string): string {
    return `${this.work.name}/${name}`;
  }

  /** Every lease of this work: '0' is the character after '/'. */
  private range() {
    return { _id: { $gt: `${this.work.name}/`, $lt: `${this.work.name}0` } };
  }

  private own() {
    return { _id: { $gt: this.id('share/'), $lt: this.id('share0') }, holder: this.holder };
  }

  private collection() {
    return this.connection.collection<LeaseDocument>(collectionName);
  }

  private now(): number {
    return this.ticks.now().getTime();
  }
}
