import type { TenantId } from '#lib/core';
import { type Commit, type EventStore, RevisionConflict, type StoredEvent, StoreUnavailable } from '#lib/ports';
import { MoveRefused } from './move-refused.js';

const commitEventsMax = 500;
const windowCommitsMax = 128;
const windowEventsMax = 2_000;

/**
 * Appends a history in its order, as the same facts at the same places. Many commits are under way at once, each
 * guarding the one before it: if one is not stored, none after it is, so nothing ever stands out of order. Facts of one
 * instant in one stream are one commit, as they were.
 */
export class HistoryAppender {
  private group: StoredEvent[] = [];
  private commits: Commit[] = [];
  private waiting = 0;
  private previous: StoredEvent | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly tenant: TenantId,
  ) {}

  /** One that is stored already: the next one follows it. */
  skip(event: StoredEvent): void {
    this.previous = event;
  }

  /** @throws MoveRefused as `end` */
  async add(event: StoredEvent): Promise<void> {
    const [first] = this.group;
    const isSame = first?.stream === event.stream && first.at === event.at && first.actor === event.actor;
    if (!isSame || this.group.length >= commitEventsMax) this.close();
    if (this.commits.length >= windowCommitsMax || this.waiting >= windowEventsMax) await this.append();
    this.group.push(event);
  }

  /**
   * Durable once it resolved.
   * @throws MoveRefused when the store fails, or somebody else writes to the tenant: what was stored before is in order
   */
  async end(): Promise<void> {
    this.close();
    await this.append();
  }

  private close(): void {
    const [first] = this.group;
    if (!first) return;
    const { stream, revision } = this.previous ?? { stream: '', revision: 0 };
    const events = this.group.map(({ id, type, version, data, at, actor }) => ({ id, type, version, data, at, actor }));
    const isGuarded = this.previous !== undefined && stream !== first.stream;
    this.commits.push({
      tenant: this.tenant,
      stream: first.stream,
      expected: first.revision - 1,
      events,
      ...(isGuarded && { guards: [{ stream, revision }] }),
    });
    this.waiting += events.length;
    this.previous = this.group.at(-1);
    this.group = [];
  }

  private async append(): Promise<void> {
    const last = this.previous?.sequence ?? 0;
    let sequence = last - this.waiting;
    const answers = await Promise.allSettled(this.commits.map((commit) => this.store.append(commit)));
    for (const [n, answer] of answers.entries()) {
      const place = sequence + 1;
      sequence += this.commits[n]?.events.length ?? 0;
      if (answer.status === 'rejected') throw this.stoppedAt(place, answer.reason);
      if (answer.value !== sequence) {
        throw new MoveRefused(
          `somebody else wrote to ${this.tenant} before ${place}: what stands here is another history`,
        );
      }
    }
    this.commits = [];
    this.waiting = 0;
  }

  private stoppedAt(place: number, cause: unknown): unknown {
    const isFault = cause instanceof RevisionConflict || cause instanceof StoreUnavailable;
    if (!isFault) return cause;
    return new MoveRefused(`the store did not take event ${place}: import the file again, it goes on from there`, {
      cause,
    });
  }
}
