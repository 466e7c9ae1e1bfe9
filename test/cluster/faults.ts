import { chance } from '../support/chance.js';
import type { Child } from './children.js';
import type { Cluster } from './cluster.js';
import { names, type Service } from './proxied-services.js';

/** Ends a fault. Resolves when what was broken stands again, as far as that is the machine's to do: not ours. */
export type Lift = () => Promise<unknown>;

/** Something that goes wrong, and what is known of it beforehand. */
export interface Fault {
  readonly name: string;
  /** What it does, in a few words. */
  readonly what: string;
  begin(cluster: Cluster, random: () => number): Promise<Lift>;
}

const oneOf = <T>(list: readonly T[], random: () => number): T => {
  const chosen = list[Math.floor(random() * list.length)];
  if (chosen === undefined) throw new Error('there is nothing to choose from');
  return chosen;
};

const death = (
  name: string,
  what: string,
  choose: (cluster: Cluster, random: () => number) => readonly Child[],
): Fault => ({
  name,
  what,
  begin: async (cluster, random) => {
    const dying = choose(cluster, random);
    await Promise.all(dying.map((child) => child.end('SIGKILL')));
    return async () => {
      for (const child of dying) child.start();
    };
  },
});

const killed = (service: Service): Fault => ({
  name: `${service}-killed`,
  what: `kill -9 ${service}`,
  begin: async ({ services }) => {
    await services.kill(service);
    return () => services.start(service);
  },
});

const cut = (service: Service): Fault => ({
  name: `${service}-cut`,
  what: `connections to ${service} break, and none can be made`,
  begin: async ({ services }) => {
    await services.cut(service, true);
    return () => services.heal();
  },
});

const hung = (service: Service): Fault => ({
  name: `${service}-hung`,
  what: `${service} takes connections, and nothing comes through`,
  begin: async ({ services }) => {
    await services.poison(service, { type: 'timeout', attributes: { timeout: 0 } });
    return () => services.heal();
  },
});

const slow = (service: Service): Fault => ({
  name: `${service}-slow`,
  what: `40 to 60 ms each way to ${service}`,
  begin: async ({ services }) => {
    await services.poison(service, { type: 'latency', attributes: { latency: 50, jitter: 10 } });
    return () => services.heal();
  },
});

const flushed: Fault = {
  name: 'redis-killed-and-flushed',
  what: 'FLUSHALL, then kill -9 redis: all its data are lost',
  begin: async ({ services }) => {
    await services.flushRedis();
    await services.kill('redis');
    return () => services.start('redis');
  },
};

const wiped: Fault = {
  name: 'kafka-wiped',
  what: 'kill -9 kafka, and its data are removed: topic, groups and all',
  begin: async ({ services }) => {
    await services.kill('kafka');
    await services.wipe('kafka');
    return () => services.start('kafka');
  },
};

const throttled: Fault = {
  name: 'kms-throttled',
  what: 'three of four calls to KMS are turned away by ThrottlingException',
  begin: async ({ kms }) => {
    kms.share = 0.75;
    return async () => {
      kms.share = 0;
    };
  },
};

const everything: Fault = {
  name: 'everything-killed',
  what: 'kill -9 every process and every server',
  begin: async (cluster) => {
    await Promise.all(cluster.children.map((child) => child.end('SIGKILL')));
    await cluster.services.kill(...names);
    return async () => {
      for (const child of cluster.children) child.start();
      await cluster.services.start(...names);
    };
  },
};

/** All that goes wrong here, each once in a round. */
export const faults: readonly Fault[] = [
  death('api-killed', 'kill -9 one api', ({ apis }, random) => [oneOf(apis, random)]),
  death('worker-killed', 'kill -9 one worker', ({ workers }, random) => [oneOf(workers, random)]),
  death('workers-killed', 'kill -9 every worker', ({ workers }) => workers),
  killed('mongo'),
  killed('kafka'),
  flushed,
  killed('kms'),
  throttled,
  wiped,
  everything,
  ...names.flatMap((service) => [cut(service), hung(service), slow(service)]),
];

/** Faults for ever, in an order that the seed knows: each once, then each once more in another order. */
export function* faultsOf(seed: number, among: readonly Fault[] = faults): Generator<Fault> {
  const random = chance(seed);
  for (;;) {
    const left = [...among];
    while (left.length > 0) yield* left.splice(Math.floor(random() * left.length), 1);
  }
}
