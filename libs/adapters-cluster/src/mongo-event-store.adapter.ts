import type { Connection } from 'mongoose';
import type { TenantId } from '#lib/core';
import { type Clock, type Commit, EventStore, type StoredEvent, StoreUnavailable } from '#lib/ports';
import { type CommitDocument, commitModel, eventsOf } from './commit-document.js';
import { CommitLane } from './commit-lane.js';
import { CommitLog, gapless } from './commit-log.js';
import { CommitMemory } from './commit-memory.js';
import { PendingCommit } from './pending-commit.js';

const pendingMax = 10_000;
/** How often it is looked for who waits too long, in the time that a call may take. */
const turnsPerTimeout = 4;
const timeoutMsDefault = 10_000;

/** What became of appends since the store was opened. */
export interface AppendCounts {
  /** Batches that began again because another process was first. */
  conflictRetries: number;
  /** Inserts sent. */
  batches: number;
  /** Inserts whose answer was lost, or did not say. */
  unknownOutcomes: number;
}

/**
 * EventStore in a MongoDB, or in a server that speaks its protocol: one document for each commit, written by any number
 * of processes at once, without transactions and without change streams.
 *
 * Appends of a tenant that arrive while one batch is under way go along in the next: one insert, and one query if any of
 * them has guards. That a guard stands is asked after the head of the log was seen, and the insert goes right behind
 * that head: if it wins the place, nothing came between. A commit is known again by its place in its stream and its ids.
 *
 * `readLog` shows a whole beginning of the log: documents are only ever inserted behind one that is stored (see
 * CommitLane), so what looks like a gap is newer than the read, and the answer ends there.
 */
export class MongoEventStore extends EventStore {
  readonly counts: AppendCounts = { conflictRetries: 0, batches: 0, unknownOutcomes: 0 };
  private readonly log: CommitLog;
  private readonly memory = new CommitMemory();
  private readonly lanes = new Map<TenantId, CommitLane>();
  private readonly pending = new Set<PendingCommit>();
  private readonly listeners: ((tenant: TenantId) => void)[] = [];
  private readonly timeoutMs: number;
  private readonly drained = new AbortController();
  private isClosed = false;
  private turn = 0;
  private watch: Promise<void> | undefined;

  private constructor(
    connection: Connection,
    private readonly ticks: Clock,
  ) {
    super();
    this.log = new CommitLog(connection, ticks);
    this.timeoutMs = connection.getClient().options.socketTimeoutMS || timeoutMsDefault;
  }

  /**
   * Over an open connection, which stays the caller's. Makes the indexes where they are missing.
   * An append that was not answered within the connection's socket timeout, and a quarter, is given up for unknown.
   */
  static async open(connection: Connection, ticks: Clock): Promise<MongoEventStore> {
    await commitModel(connection).createIndexes();
    return new MongoEventStore(connection, ticks);
  }

  append(commit: Commit): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) throw new StoreUnavailable('the event store is closed');
      if (this.pending.size >= pendingMax) throw new StoreUnavailable(`${pendingMax} appends are waiting already`);
      const pending = new PendingCommit(commit, this.turn, (answer) => {
        this.pending.delete(pending);
        this.endWhenDrained();
        if (typeof answer === 'number') resolve(answer);
        else reject(answer);
      });
      this.pending.add(pending);
      this.watch ??= this.giveUpOnTime();
      this.laneOf(commit.tenant).add(pending);
    });
  }

  async readMany(tenant: TenantId, streams: readonly string[]): Promise<readonly (readonly StoredEvent[])[]> {
    const commits = await this.log.streams(tenant, streams);
    return streams.map((stream) => {
      const stored = commits.get(stream) ?? [];
      const last = stored.at(-1);
      if (last) this.memory.saw(tenant, last);
      return stored.flatMap(eventsOf);
    });
  }

  async readLog(tenant: TenantId, after: number, limit: number): Promise<readonly StoredEvent[]> {
    if (limit < 1) return [];
    const commits = await this.commitsAfter(tenant, after, limit);
    const last = commits.at(-1);
    if (last) {
      this.memory.sawPage(tenant, last.end);
      this.memory.sawHead(tenant, last.end);
    }
    const events = commits.flatMap(eventsOf);
    return events.slice(Math.max(0, after + 1 - (commits[0]?.first ?? 0))).slice(0, limit);
  }

  async head(tenant: TenantId): Promise<number> {
    const head = await this.log.head(tenant, this.memory.headOf(tenant));
    this.memory.sawHead(tenant, head);
    return head;
  }

  tenants(): Promise<readonly TenantId[]> {
    return this.log.tenants();
  }

  /** Calls `listener` when commits of this process are durable, once for many. A repeat is told of again. */
  onStored(listener: (tenant: TenantId) => void): void {
    this.listeners.push(listener);
  }

  /** Takes no more, and resolves when all that waits is stored or given up. The connection stays open. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.endWhenDrained();
    await this.watch;
  }

  private async commitsAfter(tenant: TenantId, after: number, limit: number): Promise<readonly CommitDocument[]> {
    const found = await this.log.beginningAfter(tenant, after, limit);
    if (found[0]?.first === after + 1 || this.memory.isEnd(tenant, after)) return gapless(found, after);
    const around = await this.log.around(tenant, after);
    if (!around || around.end === after) {
      if (around) this.memory.sawPage(tenant, after);
      return gapless(found, after);
    }
    return gapless([around, ...found], around.first - 1);
  }

  /** Answers who waited too long. Counts turns, so that a clock that is set makes nobody impatient. */
  private async giveUpOnTime(): Promise<void> {
    while (this.pending.size > 0) {
      await this.ticks.sleep(this.timeoutMs / turnsPerTimeout, this.drained.signal);
      this.turn++;
      for (const pending of this.pending) {
        if (this.turn - pending.turn <= turnsPerTimeout) break;
        pending.answer(new StoreUnavailable(`the event store did not answer in ${this.timeoutMs} ms`));
      }
    }
    this.watch = undefined;
  }

  private endWhenDrained(): void {
    if (this.isClosed && this.pending.size === 0) this.drained.abort();
  }

  private tell(tenant: TenantId): void {
    for (const listener of this.listeners) listener(tenant);
  }

  private laneOf(tenant: TenantId): CommitLane {
    const known = this.lanes.get(tenant);
    if (known) return known;
    const { log, memory, ticks, counts } = this;
    const lane = new CommitLane(tenant, {
      log,
      memory,
      ticks,
      counts,
      stored: () => this.tell(tenant),
      idle: () => this.lanes.delete(tenant),
    });
    this.lanes.set(tenant, lane);
    return lane;
  }
}
