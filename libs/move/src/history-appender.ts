import type { TenantId } from '#lib/core';
import { type Clock, type Commit, type EventStore, RevisionConflict, type StoredEvent } from '#lib/ports';
import { MoveRefused } from './move-refused.js';
import { patiently } from './patience.js';

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
  /** How many are under way at once: fewer after trouble, as a store that is slow answers few in time. */
  private width = windowCommitsMax;
  private previous: StoredEvent | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly tenant: TenantId,
    private readonly clock: Clock,
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
    while (this.commits.length > 0) await patiently(this.clock, () => this.appendSome());
  }

  /** As far as the store says that it stored them; the rest, which may be stored and is then known again, stays. */
  private async appendSome(): Promise<void> {
    const sent = this.commits.slice(0, this.width);
    const answers = await Promise.allSettled(sent.map((commit) => this.store.append(commit)));
    const isWell = answers.every(({ status }) => status === 'fulfilled');
    this.width = isWell ? Math.min(2 * this.width, windowCommitsMax) : Math.ceil(this.width / 2);
    for (const [n, answer] of answers.entries()) {
      if (answer.status === 'rejected' && n > 0) return;
      if (answer.status === 'rejected') throw this.reasonOf(answer.reason);
      const sequence = (this.previous?.sequence ?? 0) - this.waiting + (this.commits[0]?.events.length ?? 0);
      if (answer.value !== sequence) {
        throw new MoveRefused(`somebody else wrote to ${this.tenant} before ${sequence}: another history stands here`);
      }
      this.waiting -= this.commits.shift()?.events.length ?? 0;
    }
  }

  private reasonOf(cause: unknown): unknown {
    if (!(cause instanceof RevisionConflict)) return cause;
    const message = `${this.tenant} changed here meanwhile (${cause.message}): import the file again`;
    return new MoveRefused(message, { cause });
  }
}
