import { setImmediate } from 'node:timers/promises';
import type { TenantId } from '#lib/core';
import { type Clock, StoreUnavailable } from '#lib/ports';
import { bytesMax, eventsMax } from './commit-document.js';
import type { CommitLog } from './commit-log.js';
import type { CommitMemory } from './commit-memory.js';
import { type BatchPlan, Places, planBatch } from './commit-plan.js';
import type { PendingCommit } from './pending-commit.js';

const batchCommitsMax = 1_000;
const pauseMsMin = 10;
const pauseMsMax = 200;

/** What all lanes of a store have in common. */
export interface LaneSetting {
  readonly log: Pick<CommitLog, 'insert' | 'following' | 'commitsAt' | 'head'>;
  readonly memory: CommitMemory;
  readonly ticks: Clock;
  readonly counts: { conflictRetries: number; batches: number; unknownOutcomes: number };
  /** Commits of the tenant are durable. */
  readonly stored: (tenant: TenantId) => void;
  /** Nothing waits any more. */
  readonly idle: (tenant: TenantId) => void;
}

/** A place that a commit was seen to end at, and what is known as of there: all of it was asked after that was seen. */
interface Standing {
  head: number;
  places: Places;
}

/** A batch under way: what is left of it, and what it rests on. */
interface Batch {
  open: readonly PendingCommit[];
  standing?: Standing;
  /** What was sent last may be stored, or be on its way. */
  isUnsure: boolean;
}

/**
 * The commits of one tenant on their way into the log: one batch at a time, the rest waits for the next.
 *
 * Each document is inserted right behind one that was seen stored, or behind one of the same ordered insert; hence the
 * documents of a tenant form one chain, whoever writes, and the index over (tenant, first) lets one writer win each
 * place in it. Hence too an insert that comes late is harmless: if anything stands by then where its first document
 * would go, it does nothing; and if nothing does, it is as good as on time, and whoever was going to store the same
 * commits again finds them there.
 */
export class CommitLane {
  private waiting: PendingCommit[] = [];
  private isRunning = false;

  constructor(
    private readonly tenant: TenantId,
    private readonly setting: LaneSetting,
  ) {}

  add(commit: PendingCommit): void {
    this.waiting.push(commit);
    if (this.isRunning) return;
    this.isRunning = true;
    void this.run();
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      // Whoever was answered just now may have more: it goes along.
      await setImmediate();
      await this.store(this.take());
    }
    this.isRunning = false;
    this.setting.idle(this.tenant);
  }

  /** What goes along with those that go already. */
  private take(along: readonly PendingCommit[] = []): PendingCommit[] {
    let bytes = along.reduce((sum, commit) => sum + commit.bytes, 0);
    let count = 0;
    for (const commit of this.waiting) {
      bytes += commit.bytes;
      const before = along.length + count;
      if (before === batchCommitsMax || (before > 0 && bytes > bytesMax)) break;
      count++;
    }
    return this.waiting.splice(0, count).filter(({ isOpen }) => isOpen);
  }

  /** Until all are answered, or put back for the next batch; one that waits too long is answered by whoever watches. */
  private async store(open: readonly PendingCommit[]): Promise<void> {
    const batch: Batch = { open, isUnsure: false };
    for (let pauseMs = pauseMsMin; batch.open.length > 0; batch.open = batch.open.filter(({ isOpen }) => isOpen)) {
      try {
        if (await this.attempt(batch)) {
          pauseMs = pauseMsMin;
          continue;
        }
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) return failAll(batch.open, error as Error);
      }
      await this.setting.ticks.sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    }
  }

  /** One step: asks what has to be asked, or answers and inserts what can be. False when nothing came of it. */
  private async attempt(batch: Batch): Promise<boolean> {
    const { tenant, setting } = this;
    batch.standing ??= this.standingAt(setting.memory.headOf(tenant) || (await setting.log.head(tenant, 0)));
    const { standing } = batch;
    if (batch.isUnsure) await this.readOn(standing);
    batch.isUnsure = false;
    const plan = planBatch(batch.open, standing.places, standing.head);
    if (plan.questions.length > 0) {
      standing.places.answered(plan.questions, await setting.log.commitsAt(tenant, plan.questions));
      return true;
    }
    for (const { of, answer } of plan.answers) of.answer(answer);
    if (plan.answers.some(({ answer }) => typeof answer === 'number')) setting.stored(tenant);
    this.waiting.unshift(...plan.later);
    batch.open = plan.inserts.map(({ of }) => of);
    return plan.inserts.length === 0 || this.insert(plan.inserts, batch, standing);
  }

  private async insert(inserts: Inserts, batch: Batch, standing: Standing): Promise<boolean> {
    const { tenant, setting } = this;
    setting.counts.batches++;
    const documents = inserts.map(({ of: { rows }, place }) => ({ tenant, ...place, events: rows }));
    const { stored, refused } = await setting.log.insert(documents).catch((error: unknown) => {
      setting.counts.unknownOutcomes++;
      batch.isUnsure = true;
      throw error;
    });
    this.keep(inserts.slice(0, stored), standing);
    const [next] = inserts.slice(stored);
    if (!next || !refused) return true;
    if (!('duplicateOf' in refused)) {
      next.of.answer(new StoreUnavailable(`the event store refused a commit: code ${refused.code}`));
    } else if (refused.duplicateOf === 'stream') {
      standing.places.doubt(next.place.stream, next.place.base);
    } else {
      setting.counts.conflictRetries++;
      const isAhead = await this.readOn(standing);
      // Who came meanwhile goes along: the more often a place is lost, the more is stored with the one that is won.
      batch.open = batch.open.filter(({ isOpen }) => isOpen);
      batch.open = [...batch.open, ...this.take(batch.open)];
      return isAhead || stored > 0;
    }
    return true;
  }

  /** These are stored, and a majority has them. */
  private keep(inserts: Inserts, standing: Standing): void {
    for (const { of, place } of inserts) {
      this.setting.memory.saw(this.tenant, place);
      standing.places.seen({ ...place, ids: of.rows.map(({ id }) => id) });
      standing.head = place.end;
      of.answer(place.end);
    }
    if (inserts.length > 0) this.setting.stored(this.tenant);
  }

  /**
   * Takes in what stands behind the head, ours or others': what was known of places then holds for the new head as well.
   * When that is too much to read, begins anew at the end of the log. False when nothing stands there.
   */
  private async readOn(standing: Standing): Promise<boolean> {
    const { tenant, setting } = this;
    const from = standing.head;
    for (const commit of await setting.log.following(tenant, from)) {
      setting.memory.saw(tenant, commit);
      standing.places.seen(commit);
      standing.head = commit.end;
    }
    if (standing.head < from + eventsMax) return standing.head > from;
    const head = await setting.log.head(tenant, standing.head);
    Object.assign(standing, this.standingAt(head));
    return true;
  }

  private standingAt(head: number): Standing {
    return { head, places: new Places((stream) => this.setting.memory.endOf(this.tenant, stream)) };
  }
}

type Inserts = BatchPlan<PendingCommit>['inserts'];

function failAll(commits: readonly PendingCommit[], error: Error): void {
  for (const commit of commits) commit.answer(error);
}
