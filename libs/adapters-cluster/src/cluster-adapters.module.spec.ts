import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TenantId } from '#lib/core';
import {
  Blobs,
  Clock,
  Dependencies,
  Documents,
  EventStore,
  Feed,
  Jobs,
  KeyService,
  KeyTable,
  Nodes,
  Random,
  Vault,
} from '#lib/ports';
import { dropNames, type Names } from '../../../test/support/cluster-names.js';
import { ServersMissing } from './awaited-servers.js';
import { ClusterAdapters, type ClusterDuties } from './cluster-adapters.module.js';
import { clusterEnvironment, placesOf } from './cluster-environment.js';
import { ClusterUpkeep } from './cluster-upkeep.js';

const tenant = TenantId.parse('here');
const document = { id: 'a', key: 'k', sequence: 1, body: 'x' };

describe('ClusterAdapters', () => {
  let folder: string;
  let names: Names;
  let open: INestApplicationContext[];
  const settings = (more: Record<string, string> = {}) =>
    placesOf(
      clusterEnvironment({}).parse({
        ...process.env,
        MONGODB_DATABASE: names.databases.store,
        VAULT_MONGODB_DATABASE: names.databases.vault,
        KEYS_MONGODB_DATABASE: names.databases.keys,
        KAFKA_TOPIC: names.topic,
        KAFKA_GROUP: names.group,
        KAFKA_PARTITIONS: '4',
        REDIS_PREFIX: names.prefix,
        ...more,
      }),
      { blobsFolder: folder },
    );
  const start = async (duties: ClusterDuties) => {
    const module = await ClusterAdapters.open(settings(), duties);
    const context = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    open.push(context);
    return context;
  };
  beforeEach(() => {
    const name = `adapters-${randomUUID().slice(0, 8)}`;
    folder = mkdtempSync(join(tmpdir(), 'lethe-'));
    const databases = { store: name, vault: `${name}-vault`, keys: `${name}-keys` };
    names = { databases, topic: `${name}.events`, group: name, prefix: `${name}:` };
    open = [];
  });
  afterEach(async () => {
    for (const context of open) await context.close();
    await dropNames(names);
    rmSync(folder, { recursive: true });
  });

  it('gives every port, and what it stands on, to a worker', async () => {
    const context = await start({ relay: true, follow: true });
    const ports = [Blobs, Clock, Documents, EventStore, Feed, Jobs, KeyService, KeyTable, Nodes, Random, Vault];
    for (const port of ports) expect(context.get<unknown>(port)).toBeDefined();
    const { checks, figures } = context.get(Dependencies);
    expect(checks.map(({ name }) => name)).toEqual(['nodes', 'jobs', 'kafka']);
    await Promise.all(checks.map((check) => check.run()));
    const told = await Promise.all(figures.map(async ({ name, read }) => [name, await read()] as const));
    expect(new Set(told.map(([name]) => name)).size).toBe(told.length);
    expect(new Map(told).get('lethe_relay_behind_events')).toBe(0);
    expect(await context.get(ClusterUpkeep).followers()).toBe(0);
  });

  it('leaves to workers what an api does not do', async () => {
    const context = await start({ relay: false, follow: false });
    expect(context.get(Feed).feeds(tenant)).toBe(false);
    const follower = { name: 'view', position: () => 0, take: () => undefined };
    await expect(context.get(Feed).follow(follower)).rejects.toMatchObject({
      message: expect.stringContaining('view'),
    });
    context.get(Jobs).handle('kind', () => Promise.reject(new Error('not here')));
    await context.get(Jobs).schedule({ kind: 'kind', tenant, subject: 'one' }, new Date(0));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await context.get(Jobs).waiting()).toBe(1);
    expect(context.get(Dependencies).checks.map(({ name }) => name)).toEqual(['nodes', 'jobs']);
  });

  it('keeps vault and views apart, and finds again what was stored', async () => {
    const first = await start({ relay: false, follow: false });
    await first.get(Vault).write(tenant, { collection: 'c', puts: [document], removes: [] });
    expect(await first.get(Documents).get(tenant, 'c', ['a'])).toEqual([undefined]);
    await first.close();
    const second = await start({ relay: false, follow: false });
    expect(await second.get(Vault).get(tenant, 'c', ['a'])).toEqual([document]);
  });

  it('says which servers are missing, and opens nothing then', async () => {
    const said: string[] = [];
    const opening = ClusterAdapters.open(settings({ REDIS_URL: 'redis://127.0.0.1:1', KMS_KEY_ID: 'alias/none' }), {
      relay: false,
      follow: false,
      waitMs: 1_000,
      say: (line) => said.push(line),
    });
    await expect(opening).rejects.toBeInstanceOf(ServersMissing);
    expect(said).toEqual(['waiting for Redis (ECONNREFUSED), KMS with its root key (NotFoundException), 1 s at most']);
  });
});
