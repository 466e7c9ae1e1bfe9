import type { Redis } from 'ioredis';
import { TenantId } from '#lib/core';
import type { RedisPlace } from './cluster-settings.js';
import { openPatientRedis, openRedis } from './redis-connection.js';

/** More than that waiting means that Redis does not take them: the slow round over the tenants finds them all. */
const waitingMax = 1_000;

/**
 * Tells other processes whose log has grown, over publish and subscribe of Redis, so that nobody need ask in a loop.
 *
 * Only ever a hint: one may be lost, come twice or late, and nothing may rest on it. Names of tenants, and nothing else,
 * go through it.
 */
export class CommitHints {
  private readonly channel: string;
  private readonly waiting = new Set<TenantId>();
  private telling: Promise<void> | undefined;
  private teller: Redis | undefined;
  private listener: Redis | undefined;

  constructor(private readonly redis: RedisPlace) {
    this.channel = `${redis.prefix}:commits`;
  }

  /** Costs the caller nothing: what is told while a message is on its way shares the next. */
  tell(tenant: TenantId): void {
    if (this.waiting.size >= waitingMax) return;
    this.waiting.add(tenant);
    this.telling ??= this.tellAll().finally(() => {
      this.telling = undefined;
    });
  }

  /** Calls `hear` from now on. To be called once; it does not wait for Redis, which may come later. */
  async listen(hear: (tenant: TenantId) => void): Promise<void> {
    const listener = openPatientRedis(this.redis, 'hears-commits');
    this.listener = listener;
    listener.on('message', (_channel: string, message: string) => {
      for (const name of message.split(' ')) {
        const tenant = TenantId.safeParse(name);
        if (tenant.success) hear(tenant.data);
      }
    });
    // It waits for the connection, and again for every one after it: so this is not for the caller to wait for.
    void listener.subscribe(this.channel).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.telling;
    this.teller?.disconnect();
    this.listener?.disconnect();
  }

  private async tellAll(): Promise<void> {
    this.teller ??= openRedis(this.redis, 'tells-commits');
    while (this.waiting.size > 0) {
      const names = [...this.waiting].join(' ');
      this.waiting.clear();
      await this.teller.publish(this.channel, names).catch(() => undefined);
    }
  }
}
