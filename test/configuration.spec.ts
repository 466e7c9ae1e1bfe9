import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import { clusterVariables } from '#lib/adapters-cluster';
import {
  aboutOf,
  answeringVariables,
  apiProcessVariables,
  clusterProcessVariables,
  EmbeddedEnvironment,
  serverVariables,
  workerProcessVariables,
} from '../apps/api/src/environment.js';

const root = join(import.meta.dirname, '..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly command?: readonly string[];
  readonly volumes?: readonly unknown[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly read_only?: boolean;
}
const compose = parse(text('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
};
const services = Object.entries(compose.services);
const processes = services.filter(([name]) => /^(api|worker)-/.test(name));

describe('settings', () => {
  it('are what docs/configuration.md says; when this fails, run npm run docs', async () => {
    const { configurationDocument } = (await import(join(root, 'infra/configuration.mjs'))) as {
      configurationDocument: (sections: object, about: (setting: z.core.$ZodType) => object) => string;
    };
    const sections = {
      server: serverVariables,
      answering: answeringVariables,
      process: clusterProcessVariables,
      worker: workerProcessVariables,
      embedded: EmbeddedEnvironment.shape,
      cluster: clusterVariables,
    };
    expect(text('docs/configuration.md')).toBe(configurationDocument(sections, aboutOf));
  });

  it('have a description each', () => {
    const all = { ...workerProcessVariables, ...EmbeddedEnvironment.shape, ...clusterVariables };
    expect(Object.entries(all).filter(([, setting]) => !aboutOf(setting).description)).toEqual([]);
  });
});

describe('docker-compose.yml', () => {
  it('tells the processes nothing that they do not know', () => {
    const known = Object.entries({ ...apiProcessVariables, ...clusterVariables }).flatMap(([name, setting]) =>
      aboutOf(setting).secret ? [name, `${name}_FILE`] : [name],
    );
    expect(processes.map(([name]) => name)).toEqual(['api-1', 'api-2', 'worker-1', 'worker-2']);
    for (const [, { environment = {} }] of processes)
      expect(known).toEqual(expect.arrayContaining(Object.keys(environment)));
  });

  it('lets nobody in but to the apis, and from this machine only', () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`));
    expect(published).toEqual(['api-1 127.0.0.1:3000:3000', 'api-2 127.0.0.1:3001:3000']);
    const outside = services.filter(([, { networks = [] }]) =>
      networks.some((name) => !compose.networks[name]?.internal),
    );
    expect(outside.map(([name]) => name)).toEqual(['api-1', 'api-2']);
  });

  it('has no password in it', () => {
    const told = services.flatMap(([name, { environment = {} }]) =>
      Object.entries(environment).map(([variable, value]) => `${name} ${variable}=${value}`),
    );
    const secret = told.filter((line) => /PASSWORD|SECRET|_URI=|REDIS_URL/.test(line) && !/_FILE=/.test(line));
    // The local KMS takes any.
    expect(secret.filter((line) => !line.endsWith('AWS_SECRET_ACCESS_KEY=local'))).toEqual([]);
  });

  it('has a health check for all that stays, and a volume for all that is kept', () => {
    const passing = ['secrets', 'root-key'];
    const unchecked = services.filter(([name, { healthcheck }]) => !healthcheck && !passing.includes(name));
    expect(unchecked.map(([name]) => name)).toEqual([]);
    expect(Object.keys(compose.volumes)).toEqual(['data', 'kafka', 'kms', 'mongo', 'redis', 'secrets']);
    expect(processes.filter(([, { read_only: isReadOnly }]) => !isReadOnly)).toEqual([]);
  });
});

describe('the images', () => {
  const dockerfiles = [...new Set(services.flatMap(([, { build }]) => build?.dockerfile ?? []))];

  it.each(dockerfiles)('%s copies what is there, and what .dockerignore lets in', (dockerfile) => {
    const copied = [...text(dockerfile).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(copied.length).toBeGreaterThan(1);
    expect(copied.filter((name) => !existsSync(join(root, name)))).toEqual([]);
    const allowed = [...text('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name = '']) => name);
    expect(copied.filter((name) => !allowed.includes(name))).toEqual([]);
  });

  it.each(dockerfiles)('%s runs as nobody in particular, from a pinned image', (dockerfile) => {
    expect(text(dockerfile)).toMatch(/^USER 10001:10001$/m);
    expect(
      text(dockerfile)
        .match(/^FROM \S+/gm)
        ?.filter((from) => !/:\d+\.\d+[\w.-]*$/.test(from)),
    ).toEqual([]);
  });

  it('runs the Node that the tests run on', () => {
    const { devDependencies } = JSON.parse(text('package.json')) as { devDependencies: Record<string, string> };
    const versions = [...text('infra/images/Dockerfile').matchAll(/^FROM node:([\d.]+)/gm)].map(
      ([, version]) => version,
    );
    expect(new Set(versions)).toEqual(new Set([devDependencies.node]));
  });

  it('starts files that the build makes', () => {
    const commands = [
      ...services.flatMap(([, { command = [], healthcheck }]) => [command, healthcheck?.test.slice(1) ?? []]),
      JSON.parse(/^CMD (\[.+\])$/m.exec(text('infra/images/Dockerfile'))?.[1] ?? '[]') as string[],
    ].filter(([program]) => program === 'node');
    expect(commands.length).toBeGreaterThan(3);
    const sources = commands.map(([, file = '']) => file.replace(/^dist\/(.+)\.js$/, '$1.ts'));
    expect(sources.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

describe('docs/metrics.md', () => {
  it('has a row for every figure that is told, and for no other', () => {
    const sources = globSync('{apps,libs}/*/src/*.ts', { cwd: root }).filter((file) => !file.endsWith('.spec.ts'));
    const told = sources.flatMap((file) => [...text(file).matchAll(/'(lethe_[a-z_]+)'/g)].map(([, name]) => name));
    const described = [...text('docs/metrics.md').matchAll(/^\| `(lethe_[a-z_]+)` \|/gm)].map(([, name]) => name);
    expect(new Set(described)).toEqual(new Set(told));
    expect(new Set(described).size).toBe(described.length);
  });
});
