import { type Acknowledgement, type Clock, type Eviction, type Matcher, Nodes } from '#lib/ports';

const answerMaxMs = 5_000;

/** The matchers of this one process: they live while it does, so none can lose its lease. */
export class LocalNodes extends Nodes {
  private readonly matchers = new Map<string, Matcher>();

  constructor(private readonly clock: Clock) {
    super();
  }

  async join(matcher: Matcher): Promise<() => Promise<void>> {
    if (this.matchers.has(matcher.nodeId)) throw new Error(`there are two nodes named ${matcher.nodeId}`);
    this.matchers.set(matcher.nodeId, matcher);
    matcher.resume();
    return async () => {
      if (this.matchers.get(matcher.nodeId) !== matcher) return;
      matcher.fence();
      this.matchers.delete(matcher.nodeId);
    };
  }

  async live(): Promise<readonly string[]> {
    return [...this.matchers.keys()];
  }

  async evict(eviction: Eviction): Promise<readonly Acknowledgement[]> {
    return Promise.all(
      [...this.matchers.values()].map(async (matcher) => ({
        nodeId: matcher.nodeId,
        outcome: (await this.inTime(() => matcher.evict(eviction).then(() => true))) ? 'evicted' : 'silent',
      })),
    );
  }

  /** A node that does not say holds it, as far as anybody knows. */
  async holding(eviction: Eviction): Promise<readonly string[]> {
    const held = await Promise.all(
      [...this.matchers.values()].map(async (matcher) => {
        const isGone = await this.inTime(() => matcher.holds(eviction).then((holds) => !holds));
        return isGone ? [] : [matcher.nodeId];
      }),
    );
    return held.flat();
  }

  /** False for a node that fails or says nothing within 5 s. */
  private async inTime(ask: () => Promise<boolean>): Promise<boolean> {
    const done = new AbortController();
    const late = this.clock.sleep(answerMaxMs, done.signal).then(() => false);
    try {
      return await Promise.race([ask(), late]);
    } catch {
      return false;
    } finally {
      done.abort();
    }
  }
}
