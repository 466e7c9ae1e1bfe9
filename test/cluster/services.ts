import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { Redis } from 'ioredis';

const run = promisify(execFile);
/** Installing them, where nobody did, takes minutes. */
const upMaxMs = 900_000;
const startMaxMs = 240_000;
/** A machine that is busy with other things takes its time. */
const patient = { ...process.env, SERVICE_READY_S: '180' };

export const names = ['mongo', 'kafka', 'redis', 'kms'] as const;
/** A server that the cluster family stands on. */
export type Service = (typeof names)[number];

/** What a connection suffers on its way through the proxy. */
export type Toxic =
  | { readonly type: 'latency'; readonly attributes: { readonly latency: number; readonly jitter: number } }
  /** Nothing comes through any more, and the connection stays open. */
  | { readonly type: 'timeout'; readonly attributes: { readonly timeout: 0 } };

/** An instance of `infra/services` of its own, in a folder that nobody else uses: whatever it does to servers, it does to these. */
export class Services {
  private constructor(
    private readonly scripts: string,
    private readonly folder: string,
    private readonly env: Readonly<Record<string, string | undefined>>,
  ) {}

  /** @throws when one does not start; then none is left running */
  static async up(scripts: string, folder: string): Promise<Services> {
    try {
      await run('bash', [join(scripts, 'up'), '--dir', folder], { timeout: upMaxMs, env: patient });
    } catch (error) {
      await run('bash', [join(scripts, 'down'), '--dir', folder, '--wipe']);
      throw error;
    }
    return new Services(scripts, folder, parseEnv(readFileSync(join(folder, 'env'), 'utf8')));
  }

  /** Where a server is: past the proxy, or through it. */
  place(key: 'MONGODB_URI' | 'KAFKA_BROKERS' | 'REDIS_URL' | 'KMS_ENDPOINT', isProxied = false): string {
    return this.env[isProxied ? `${key}_PROXIED` : key] ?? '';
  }

  /** What a client of KMS needs besides its place. */
  get credentials(): NodeJS.ProcessEnv {
    return Object.fromEntries(Object.entries(this.env).filter(([name]) => name.startsWith('AWS_')));
  }

  /** SIGKILL. */
  kill(...services: Service[]): Promise<unknown> {
    return this.call('kill9', ...services);
  }

  start(...services: Service[]): Promise<unknown> {
    return this.call('start', ...services);
  }

  /** Redis forgets everything, in memory and on disk. */
  async flushRedis(): Promise<void> {
    const redis = new Redis(this.place('REDIS_URL'), { lazyConnect: true });
    await redis.connect();
    await redis.flushall();
    redis.disconnect();
  }

  /** Kafka's data are gone, groups and topics and all; to be done while it is down. */
  wipeKafka(): void {
    rmSync(join(this.folder, 'kafka', 'data'), { recursive: true });
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

  /** Ends all of it, and removes what it kept. */
  async down(): Promise<void> {
    await this.call('down', '--wipe');
  }

  private call(script: string, ...args: string[]): Promise<unknown> {
    return run('bash', [join(this.scripts, script), '--dir', this.folder, ...args], {
      timeout: startMaxMs,
      env: patient,
    });
  }

  private async tell(path: string, body: object): Promise<void> {
    const told = await fetch(`${this.env.TOXIPROXY_URL}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!told.ok) throw new Error(`the fault proxy: ${told.status} ${await told.text()}`);
    await told.body?.cancel();
  }
}
