import { Logger } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import type { Clock } from '#lib/ports';
import type { RedisPlace } from './cluster-settings.js';

/** With this a caller that may wait a second for its answer still has time to give another one. */
const commandMaxMs = 800;
const reconnectMinMs = 50;
/** Shorter than a lease, so that a Redis that was away for a moment costs nobody theirs. */
const reconnectMaxMs = 1_000;
const connectedMaxMs = 1_000;

const log = new Logger('Redis');

/**
 * A connection for calls that somebody waits for: one fails within 0.8 s while Redis is down or hangs, and at once while
 * there is no connection; none is kept to be sent later. A call that failed may have taken effect. It connects again and
 * again for ever, by itself. Whoever opens it ends it, with `disconnect`. `purpose` is the name that Redis lists it under.
 */
export function openRedis(place: RedisPlace, purpose: string): Redis {
  return open(place, purpose, {
    commandTimeout: commandMaxMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  });
}

/** As `openRedis`, for who listens or works in the background: its calls wait until Redis is there again. */
export function openPatientRedis(place: RedisPlace, purpose: string): Redis {
  return open(place, purpose, { maxRetriesPerRequest: null });
}

/** Resolves when the connection stands, or after a second: Redis may be the last to start. */
export async function connected(redis: Redis, ticks: Clock): Promise<void> {
  if (redis.status === 'ready') return;
  const done = new AbortController();
  redis.once('ready', () => done.abort());
  await ticks.sleep(connectedMaxMs, done.signal);
}

function open({ url }: RedisPlace, purpose: string, options: Omit<RedisOptions, 'replyMapping'>): Redis {
  const redis = new Redis(url, {
    connectionName: `lethe-${purpose}`,
    connectTimeout: reconnectMaxMs,
    keepAlive: 5_000,
    retryStrategy: (times: number) => Math.min(reconnectMinMs * 2 ** Math.min(times, 10), reconnectMaxMs),
    ...options,
  });
  let isTold = false;
  redis.on('ready', () => {
    if (isTold) log.log(`${purpose} is connected again`);
    isTold = false;
  });
  // Once for each outage; what an error says may hold an address.
  redis.on('error', (error: Error & { readonly code?: string }) => {
    if (!isTold) log.warn(`${purpose} has no connection: ${error.code ?? error.name}`);
    isTold = true;
  });
  return redis;
}
