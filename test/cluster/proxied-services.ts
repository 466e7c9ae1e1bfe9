import { Redis } from 'ioredis';
import { OwnServices } from '../support/own-services.js';

export const names = ['mongo', 'kafka', 'redis', 'kms'] as const;
/** A server that the cluster family stands on. */
export type Service = (typeof names)[number];

/** What a connection suffers on its way through the proxy. */
export type Toxic =
  | { readonly type: 'latency'; readonly attributes: { readonly latency: number; readonly jitter: number } }
  /** Nothing comes through any more, and the connection stays open. */
  | { readonly type: 'timeout'; readonly attributes: { readonly timeout: 0 } };

/** Servers of one test's own, each behind a fault proxy. */
export class ProxiedServices extends OwnServices {
  /** Where a server is: past the proxy, or through it. */
  place(key: 'MONGODB_URI' | 'KAFKA_BROKERS' | 'REDIS_URL' | 'KMS_ENDPOINT', isProxied = false): string {
    return this.env[isProxied ? `${key}_PROXIED` : key] ?? '';
  }

  /** What a client of KMS needs besides its place. */
  get credentials(): NodeJS.ProcessEnv {
    return Object.fromEntries(Object.entries(this.env).filter(([name]) => name.startsWith('AWS_')));
  }

  /** Redis forgets everything, in memory and on disk. */
  async flushRedis(): Promise<void> {
    const redis = new Redis(this.place('REDIS_URL'), { lazyConnect: true });
    await redis.connect();
    await redis.flushall();
    redis.disconnect();
  }

  async poison(service: Service, toxic: Toxic): Promise<void> {
    for (const stream of ['upstream', 'downstream']) {
      await this.tell(`/proxies/${service}/toxics`, { ...toxic, stream, name: stream });
    }
  }

  /** Connections break, and none can be made; or again they can. */
  async cut(service: Service, isCut: boolean): Promise<void> {
    await this.tell(`/proxies/${service}`, { enabled: !isCut });
  }

  /** Every way is open again, and harmless. */
  async heal(): Promise<void> {
    await this.tell('/reset', {});
  }

  private async tell(path: string, body: object): Promise<void> {
    const told = await fetch(`${this.env.TOXIPROXY_URL}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!told.ok) throw new Error(`the fault proxy: ${told.status} ${await told.text()}`);
    await told.body?.cancel();
  }
}
