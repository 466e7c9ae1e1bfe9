import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TenantId } from '#lib/core';
import {
  Blobs,
  Clock,
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
import { TestClock } from '../../../test/support/clock.js';
import { EmbeddedAdapters } from './embedded-adapters.module.js';
import { FolderInUse, FolderLock } from './folder-lock.js';

const tenant = TenantId.parse('here');
const event = { id: 'x', type: 'test.counted', version: 1, data: {}, at: '2026-01-01T00:00:00.000Z', actor: 'me' };
const commit = { tenant, stream: 'a', expected: 0, events: [event] };
const document = { id: 'a', key: 'k', sequence: 1, body: 'x' };
const batch = { collection: 'c', puts: [document], removes: [] };

describe('EmbeddedAdapters', () => {
  let parent: string;
  let folder: string;
  let open: INestApplicationContext[];
  const start = async (module: DynamicModule) => {
    const context = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    open.push(context);
    return context;
  };
  const inFolder = (settings: Partial<Parameters<typeof EmbeddedAdapters.inFolder>[0]> = {}) =>
    EmbeddedAdapters.inFolder({ folder, ...settings });
  const close = async (context: INestApplicationContext) => {
    open = open.filter((each) => each !== context);
    await context.close();
  };
  const thrownBy = (act: () => unknown) => {
    try {
      return act();
    } catch (error) {
      return error;
    }
  };

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'embedded-'));
    folder = join(parent, 'data');
    open = [];
  });
  afterEach(async () => {
    for (const context of open) await context.close();
    rmSync(parent, { recursive: true });
  });

  it('gives every port, over one folder that is its owner’s alone', async () => {
    const context = await start(inFolder());
    const ports = [Blobs, Clock, Documents, EventStore, Feed, Jobs, KeyService, KeyTable, Nodes, Random];
    for (const port of ports) expect(context.get<unknown>(port)).toBeInstanceOf(port);
    expect(context.get(Vault)).toBeInstanceOf(Documents);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const files = ['events.db', 'keys.db', 'keys.sealed', 'root.key', 'vault.db', 'views.db'];
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(files));
  });

  it('keeps vault and views in files of their own', async () => {
    const context = await start(inFolder());
    await context.get(Vault).write(tenant, batch);
    expect(await context.get(Documents).get(tenant, 'c', ['a'])).toEqual([undefined]);
    expect(await context.get(Vault).get(tenant, 'c', ['a'])).toEqual([document]);
  });

  it('finds again what was stored before it was closed', async () => {
    const first = await start(inFolder());
    await first.get(KeyService).provision(tenant);
    const entry = await first.get(KeyService).wrap(tenant, 'key', new Uint8Array(32));
    await first.get(KeyTable).put(tenant, entry);
    await first.get(EventStore).append(commit);
    await first.get(Vault).write(tenant, batch);
    await first.get(Documents).write(tenant, { ...batch, position: 1 });
    await close(first);

    const second = await start(inFolder());
    const found = await second.get(KeyTable).get(tenant, 'key');
    expect(await second.get(KeyService).unwrap(tenant, found as typeof entry)).toBeDefined();
    expect(await second.get(EventStore).head(tenant)).toBe(1);
    expect(await second.get(Vault).get(tenant, 'c', ['a'])).toEqual([document]);
    expect(await second.get(Documents).position(tenant, 'c')).toBe(1);
  });

  it('keeps the root key where it is told to', async () => {
    const rootKeyFile = join(parent, 'root.key');
    await start(inFolder({ rootKeyFile }));
    expect(existsSync(rootKeyFile)).toBe(true);
    expect(readdirSync(folder)).not.toContain('root.key');
  });

  it('is opened once at a time', async () => {
    const first = await start(inFolder());
    const refused = thrownBy(() => inFolder());
    expect(refused).toBeInstanceOf(FolderInUse);
    expect((refused as Error).message).toContain(`${folder} is in use`);
    await first.get(EventStore).append(commit);
    await close(first);
    await start(inFolder());
  });

  it('stores what waits before it lets go of the folder', async () => {
    const first = await start(inFolder({ commitDelayMs: 700 }));
    const appended = first.get(EventStore).append(commit);
    const closed = close(first);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(thrownBy(() => inFolder())).toBeInstanceOf(FolderInUse);
    expect(await appended).toBe(1);
    await closed;
    const second = await start(inFolder());
    expect(await second.get(EventStore).head(tenant)).toBe(1);
  });

  it('closes the rest where a part fails to', async () => {
    const first = await start(inFolder());
    Object.assign(first.get(Jobs), { close: () => Promise.reject(new Error('cannot be closed')) });
    await close(first);
    expect(FolderLock.holderOf(folder)).toBeUndefined();
    await start(inFolder());
  });

  it.each([
    ['events.db', 'UnusableFile'],
    ['views.db', 'UnusableFile'],
    ['vault.db', 'UnusableFile'],
    ['keys.db', 'UnusableFile'],
    ['keys.sealed', 'KeysUnavailable'],
    ['root.key', 'KeysUnavailable'],
  ])('lets go of everything when %s cannot be opened: once it can, all can', async (name, fault) => {
    await close(await start(inFolder()));
    const file = join(folder, name);
    const whole = readFileSync(file);
    writeFileSync(file, 'damaged');
    const refused = thrownBy(() => inFolder());
    expect(refused).toMatchObject({ name: fault, message: expect.stringContaining(file) });
    writeFileSync(file, whole);
    await new Promise(setImmediate);
    const context = await start(inFolder());
    await context.get(EventStore).append(commit);
  });

  describe('in a temporary folder', () => {
    /** Those that this process made and holds. */
    const held = () =>
      readdirSync(tmpdir())
        .map((name) => join(tmpdir(), name, 'holder.json'))
        .filter((holder) => holder.includes('lethe-') && existsSync(holder))
        .filter((holder) => readFileSync(holder, 'utf8').includes(`"pid":${process.pid}`))
        .map((holder) => dirname(holder));

    it('goes by the clock it is given, and leaves nothing behind', async () => {
      const clock = new TestClock();
      const before = new Set(held());
      const context = await start(EmbeddedAdapters.inTemporaryFolder(clock));
      expect(context.get(Clock)).toBe(clock);
      await context.get(EventStore).append(commit);
      const made = held().filter((each) => !before.has(each));
      expect(made).toHaveLength(1);
      await close(context);
      expect(existsSync(made[0] as string)).toBe(false);
    });

    it('makes two that know nothing of each other', async () => {
      const [one, two] = [
        await start(EmbeddedAdapters.inTemporaryFolder()),
        await start(EmbeddedAdapters.inTemporaryFolder()),
      ];
      await one.get(EventStore).append(commit);
      expect([await one.get(EventStore).head(tenant), await two.get(EventStore).head(tenant)]).toEqual([1, 0]);
    });
  });
});
