import type { Clock, Matcher } from '#lib/ports';
import type { RedisRegistry } from './redis-registry.js';

export interface LeaseTimes {
  readonly leaseMs: number;
  readonly ticks: Clock;
}

/** Of all leases of this process, since it started. */
export interface LeaseCounts {
  joins: number;
  /** Attempts to renew or to join that did not come to an end in time. */
  renewalsMissed: number;
  fences: number;
}

/** The time of a lease, as it runs here: from before Redis was asked for it, so it ends here first. */
interface Countdown {
  isOver: boolean;
  readonly stopping: AbortController;
}

/**
 * One matcher's lease: renewed every third of its time. A matcher whose lease could not be renewed is fenced a sixth of it
 * before its end, and resumes when it has a new one, with a greater term. Time is that of timers, which no clock moves: in
 * a process that stood still they fire first of all when it goes on.
 */
export class RedisLease {
  private readonly ending = new AbortController();
  private countdown: Countdown | undefined;
  private term: number | undefined;
  private keeping: Promise<void> | undefined;

  constructor(
    private readonly matcher: Matcher,
    private readonly registry: RedisRegistry,
    private readonly times: LeaseTimes,
    private readonly counts: LeaseCounts,
  ) {}

  /** Whether the matcher may work. */
  get isHeld(): boolean {
    return this.term !== undefined;
  }

  /** Resolves after the first attempt, whatever came of it: it is tried for ever. */
  async begin(): Promise<void> {
    await this.renew();
    this.keeping = this.keep();
  }

  /** Fences the matcher and gives the lease back; where Redis is away it ends by itself. */
  async end(): Promise<void> {
    this.ending.abort();
    const { term } = this;
    this.fence();
    await this.keeping;
    if (term !== undefined) await this.registry.leave(this.matcher.nodeId, term).catch(() => undefined);
  }

  private async keep(): Promise<void> {
    const { leaseMs, ticks } = this.times;
    for (let isRenewed = this.isHeld; !this.ending.signal.aborted; ) {
      await ticks.sleep(isRenewed ? leaseMs / 3 : leaseMs / 10, this.ending.signal);
      if (!this.ending.signal.aborted) isRenewed = await this.renew();
    }
  }

  private async renew(): Promise<boolean> {
    const countdown = this.count();
    try {
      const isRenewed = await this.ask(countdown);
      if (isRenewed) return true;
    } catch {
      this.counts.renewalsMissed += 1;
    }
    countdown.stopping.abort();
    return false;
  }

  private async ask(countdown: Countdown): Promise<boolean> {
    const { term } = this;
    const { nodeId } = this.matcher;
    if (term === undefined) {
      const joined = await this.registry.join(nodeId);
      if (this.ending.signal.aborted) await this.registry.leave(nodeId, joined);
      if (this.ending.signal.aborted || countdown.isOver) return false;
      this.take(countdown, joined);
      this.counts.joins += 1;
      this.matcher.resume();
      return true;
    }
    const isRenewed = await this.registry.renew(nodeId, term);
    // Fenced meanwhile, it has to join anew.
    if (this.term !== term || countdown.isOver) return false;
    if (isRenewed) this.take(countdown, term);
    else this.fence();
    return isRenewed;
  }

  private take(countdown: Countdown, term: number): void {
    this.countdown?.stopping.abort();
    this.countdown = countdown;
    this.term = term;
  }

  private count(): Countdown {
    const { leaseMs, ticks } = this.times;
    const countdown = { isOver: false, stopping: new AbortController() };
    void ticks.sleep((leaseMs * 5) / 6, countdown.stopping.signal).then(() => {
      if (countdown.stopping.signal.aborted) return;
      countdown.isOver = true;
      if (this.countdown === countdown) this.fence();
    });
    return countdown;
  }

  private fence(): void {
    this.countdown?.stopping.abort();
    this.countdown = undefined;
    this.matcher.fence();
    if (this.term !== undefined && !this.ending.signal.aborted) this.counts.fences += 1;
    this.term = undefined;
  }
}
