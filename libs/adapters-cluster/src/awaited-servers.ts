import type { Clock } from '#lib/ports';

const pauseMs = 500;
const reminderMs = 10_000;

/** A server that has to be there before a process can begin. */
export interface Server {
  /** As an operator calls it, such as `MongoDB (events)`. */
  readonly name: string;
  /** Resolves once it answers, and rejects within seconds otherwise. */
  readonly reach: () => Promise<unknown>;
}

/** Servers that are not there, although they were waited for. */
export class ServersMissing extends Error {
  override readonly name = 'ServersMissing';
}

export interface Waiting {
  readonly waitMs: number;
  readonly ticks: Clock;
  /** Tells the operator: once what is waited for, then now and then what is still missing. */
  readonly say: (line: string) => void;
}

/**
 * Waits until every one of them answered once, so that the order in which things are started does not matter.
 * @throws ServersMissing that names those which did not, and how each failed last
 */
export async function awaitServers(servers: readonly Server[], { waitMs, ticks, say }: Waiting): Promise<void> {
  const missing = new Map(servers.map(({ name }) => [name, 'no answer']));
  const endMs = ticks.now().getTime() + waitMs;
  const look = async ({ name, reach }: Server) => {
    try {
      await reach();
      missing.delete(name);
    } catch (error) {
      missing.set(name, reasonOf(error));
    }
  };
  let tellAtMs = 0;
  for (let isFirst = true; ; isFirst = false) {
    await Promise.all(servers.filter(({ name }) => missing.has(name)).map(look));
    const nowMs = ticks.now().getTime();
    if (missing.size === 0) return;
    if (nowMs + pauseMs > endMs) throw new ServersMissing(`not there after ${waitMs / 1_000} s: ${listed(missing)}`);
    if (isFirst) say(`waiting for ${listed(missing)}, ${waitMs / 1_000} s at most`);
    else if (nowMs >= tellAtMs) say(`still missing: ${listed(missing)}`);
    if (isFirst || nowMs >= tellAtMs) tellAtMs = nowMs + reminderMs;
    await ticks.sleep(pauseMs);
  }
}

const listed = (missing: ReadonlyMap<string, string>) =>
  [...missing].map(([name, reason]) => `${name} (${reason})`).join(', ');

/** Only the kind of it: what a client says may hold an address with a password. */
function reasonOf(error: unknown): string {
  const { name = 'Error', code, cause } = (error ?? {}) as { name?: string; code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return name === 'Error' && cause ? reasonOf(cause) : name;
}
