import type { Check, Clock, Duty, PromiseId } from '#lib/ports';

const checkMaxMs = 1_000;

/** One thing a process stands on, as /readyz shows it. */
export interface Dependency {
  readonly name: string;
  readonly state: 'up' | 'down';
  /** Of one that is down: the promises that this process cannot keep without it; none where all are kept. */
  readonly promises?: PromiseId[];
  /** Of one that is down: how it fails, without a name or an address of the inside, and what is noticed of it. */
  readonly reason?: string;
}

/** Whether each thing that a promise needs can be used now. Reads only, each within a second. */
export class Readiness {
  constructor(
    private readonly checks: readonly Check[],
    private readonly duties: readonly Duty[],
    private readonly clock: Clock,
  ) {}

  dependencies(): Promise<Dependency[]> {
    return Promise.all(this.checks.map((check) => this.look(check)));
  }

  private async look(check: Check): Promise<Dependency> {
    const { name, promises, without } = check;
    const failure = await this.failureOf(check);
    if (failure === undefined) return { name, state: 'up' };
    const lost = new Set(this.duties.flatMap((duty) => promises[duty]));
    return { name, state: 'down', promises: [...lost], reason: `${failure}: ${without}` };
  }

  private async failureOf({ run }: Check): Promise<string | undefined> {
    const patience = new AbortController();
    const late = this.clock.sleep(checkMaxMs, patience.signal).then(() => 'no answer within a second');
    try {
      return await Promise.race([run().then(() => undefined), late]);
    } catch (error) {
      const name = nameOf(error);
      return name === 'Error' ? 'it fails' : `fails with ${name}`;
    } finally {
      patience.abort();
    }
  }
}

/** Only ever its kind: a message of a client may name hosts and users. */
function nameOf(error: unknown): string {
  const { name = 'Error', code } = (error ?? {}) as { name?: string; code?: unknown };
  return (name === 'Error' && typeof code === 'string' ? code : name).slice(0, 60);
}
