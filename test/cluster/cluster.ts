import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.js';
import { makeRootKey } from '../support/infra.js';
import { Child } from './children.js';
import { ProxiedServices } from './proxied-services.js';
import { ThrottlingProxy } from './throttling-proxy.js';

const startMaxMs = 240_000;

export interface ClusterPlan {
  readonly folder: string;
  readonly apis: number;
  readonly workers: number;
  readonly random: () => number;
  /** What our processes are told besides where their servers are. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * A cluster to be broken: servers of its own, apis and workers as processes of its own. Ours reach every server through a
 * fault proxy, KMS through one that throttles besides. All of it lies in one folder, and ends with `end`.
 */
export class Cluster {
  private constructor(
    readonly services: ProxiedServices,
    readonly kms: ThrottlingProxy,
    readonly apis: readonly Child[],
    readonly workers: readonly Child[],
    private readonly folder: string,
  ) {}

  static async start({ folder, apis, workers, random, env = {} }: ClusterPlan): Promise<Cluster> {
    const services = await ProxiedServices.in(join(folder, 'servers'));
    await makeRootKey({ KMS_ENDPOINT: services.place('KMS_ENDPOINT'), ...services.credentials });
    const kms = await ThrottlingProxy.before(services.place('KMS_ENDPOINT', true), random);
    const data = join(folder, 'data');
    mkdirSync(data, { recursive: true });
    const places = {
      MONGODB_URI: services.place('MONGODB_URI', true),
      KAFKA_BROKERS: services.place('KAFKA_BROKERS', true),
      REDIS_URL: services.place('REDIS_URL', true),
      KMS_ENDPOINT: kms.url,
      DATA_FOLDER: data,
      SWEEP_SECONDS: '2',
      START_WAIT_SECONDS: '600',
      ...services.credentials,
      ...env,
    };
    const children = (kind: 'api' | 'worker', count: number) =>
      Promise.all(
        Array.from({ length: count }, async (_, n) => {
          return new Child(kind, `${kind}-${n + 1}`, await freePort(), folder, places);
        }),
      );
    const cluster = new Cluster(services, kms, await children('api', apis), await children('worker', workers), folder);
    try {
      for (const child of cluster.children) child.start();
      await Promise.all(cluster.children.map((child) => child.ready(startMaxMs)));
    } catch (error) {
      await cluster.end();
      throw error;
    }
    return cluster;
  }

  get children(): readonly Child[] {
    return [...this.apis, ...this.workers];
  }

  get urls(): string[] {
    return this.apis.map(({ url }) => url);
  }

  get adminKey(): string {
    return readFileSync(join(this.folder, 'data', 'admin.key'), 'utf8').trim();
  }

  /** Where the stores are, past the proxy. */
  get storesEnv(): NodeJS.ProcessEnv {
    const at = (key: Parameters<ProxiedServices['place']>[0]) => ({ [key]: this.services.place(key) });
    const places = { ...at('MONGODB_URI'), ...at('KAFKA_BROKERS'), ...at('REDIS_URL'), ...at('KMS_ENDPOINT') };
    return { ...places, ...this.services.credentials };
  }

  async end(): Promise<void> {
    await this.services.heal().catch(() => undefined);
    await Promise.all(this.children.map((child) => child.end('SIGKILL')));
    this.kms.close();
    await this.services.down();
  }
}
