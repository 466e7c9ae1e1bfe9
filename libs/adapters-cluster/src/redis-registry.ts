import type { Redis } from 'ioredis';

/** An entry that ended so long ago is nobody's: whoever had it has found out since, or is gone. */
const forgottenAfterMs = 60_000;

/** One node as it stands in the registry. */
export interface Seen {
  readonly nodeId: string;
  /** Which of its leases: each has a greater one. */
  readonly term: number;
  /** How often it was renewed. */
  readonly beats: number;
  /** By the clock of Redis. */
  readonly isLive: boolean;
}

export interface Look {
  /** Names this registry. Emptied, or in another run of the server, it is another one. */
  readonly mark: string;
  /** How long a node may still have a lease that this registry knows nothing of, because it is that new. */
  readonly youngForMs: number;
  readonly nodes: readonly Seen[];
}

/**
 * In a script because others look in between otherwise. A server that starts again may have lost what it answered last,
 * and one that took the place of another even more; so does whoever empties it: each time the registry is new.
 */
const begin = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('HGET', KEYS[2], 'run') ~= run then redis.call('HSET', KEYS[2], 'run', run, 'at', now) end
local at = tonumber(redis.call('HGET', KEYS[2], 'at'))
local mark = run .. ':' .. at
local function entry(node)
  local value = redis.call('HGET', KEYS[1], node)
  if not value then return nil end
  return string.match(value, '^(%d+) (%d+) (%d+)$')
end
local function put(node, term, beats, lease)
  redis.call('HSET', KEYS[1], node, string.format('%.0f %.0f %.0f', term, beats, now + lease))
end
`;

const scripts = {
  join: `${begin}
local entries = redis.call('HGETALL', KEYS[1])
for n = 1, #entries, 2 do
  local ends = tonumber(string.match(entries[n + 1], '(%d+)$'))
  if ends + ARGV[3] < now then redis.call('HDEL', KEYS[1], entries[n]) end
end
local term = redis.call('HINCRBY', KEYS[2], 'term', 1)
put(ARGV[1], term, 0, ARGV[2])
return term`,
  renew: `${begin}
local term, beats = entry(ARGV[1])
if term ~= ARGV[3] then return 0 end
put(ARGV[1], term, beats + 1, ARGV[2])
return 1`,
  leave: `${begin}
if entry(ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1`,
  look: `${begin}
local found = { mark, math.max(0, math.min(tonumber(ARGV[1]), at + ARGV[1] - now)) }
local entries = redis.call('HGETALL', KEYS[1])
for n = 1, #entries, 2 do
  local term, beats, ends = string.match(entries[n + 1], '^(%d+) (%d+) (%d+)$')
  found[#found + 1] = { entries[n], tonumber(term), tonumber(beats), tonumber(ends) > now and 1 or 0 }
end
return found`,
  lapse: `${begin}
if mark ~= ARGV[2] then return 0 end
local term, beats = entry(ARGV[1])
if not term then return 1 end
if term ~= ARGV[3] or beats ~= ARGV[4] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
return 1`,
} as const;

/** Which nodes have a lease, in Redis. Calls reject as Redis does; a call that failed may have taken effect. */
export class RedisRegistry {
  private readonly keys: readonly [string, string];

  constructor(
    private readonly redis: Redis,
    prefix: string,
    private readonly leaseMs: number,
  ) {
    this.keys = [`${prefix}nodes`, `${prefix}nodes-registry`];
  }

  /** Begins a lease, which ends any other one of the name. Answers its term. */
  async join(nodeId: string): Promise<number> {
    return (await this.run('join', nodeId, this.leaseMs, forgottenAfterMs)) as number;
  }

  /** False where there is no such lease any more: it was proven to have ended, or the registry is another one. */
  async renew(nodeId: string, term: number): Promise<boolean> {
    return (await this.run('renew', nodeId, this.leaseMs, term)) === 1;
  }

  async leave(nodeId: string, term: number): Promise<void> {
    await this.run('leave', nodeId, term);
  }

  async look(): Promise<Look> {
    const [mark, youngForMs, ...entries] = (await this.run('look', this.leaseMs)) as [
      string,
      number,
      ...(readonly [string, number, number, number])[],
    ];
    const nodes = entries.map(([nodeId, term, beats, isLive]) => ({ nodeId, term, beats, isLive: isLive === 1 }));
    return { mark, youngForMs, nodes };
  }

  /**
   * Whether the lease that was seen has ended: asked at least one lease after `seen` was answered, by the asker's own
   * time, so that no clock but those that count need agree. If it was not renewed in that time its node has fenced itself.
   */
  async lapse(mark: string, { nodeId, term, beats }: Seen): Promise<boolean> {
    return (await this.run('lapse', nodeId, mark, term, beats)) === 1;
  }

  private run(script: keyof typeof scripts, ...args: (string | number)[]): Promise<unknown> {
    return this.redis.eval(scripts[script], this.keys.length, ...this.keys, ...args);
  }
}
