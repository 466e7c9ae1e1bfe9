import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { TenantId } from '#lib/core';
import { type KeyEntry, KeyService, KeyTable, Random } from '#lib/ports';
import { DataKeys } from './data-keys.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');

/** A port of which some methods are others. */
const instead = <P extends object>(port: P, methods: Partial<P>): P => Object.assign(Object.create(port), methods);

describe('data keys', () => {
  let app: INestApplicationContext;
  let keyService: KeyService;
  let table: KeyTable;
  let keys: DataKeys;

  beforeEach(async () => {
    app = await NestFactory.createApplicationContext(EmbeddedAdapters.inTemporaryFolder(), { logger: false });
    [keyService, table] = [app.get(KeyService), app.get(KeyTable)];
    await keyService.provision(here);
    await keyService.provision(there);
    keys = new DataKeys(keyService, table, app.get(Random));
  });
  afterEach(() => app.close());

  it('are made once and opened again', async () => {
    const made = await keys.create(here, 'subject-1');
    expect((await keys.open(here, 'subject-1'))?.equals(made)).toBe(true);
    expect((await keys.create(here, 'subject-1')).equals(made)).toBe(true);
    expect((await keys.create(here, 'subject-2')).equals(made)).toBe(false);
    expect(await table.count(here)).toBe(2);
  });

  it('are one key, whoever of many makes it', async () => {
    const [first, ...rest] = await Promise.all(Array.from({ length: 8 }, () => keys.create(here, 'subject-1')));
    expect(rest.map((key) => first?.equals(key))).toEqual(rest.map(() => true));
  });

  it('of another tenant are missing', async () => {
    await keys.create(here, 'subject-1');
    expect(await keys.open(there, 'subject-1')).toBeUndefined();
  });

  it('are unusable once erased, also to those who ask while someone is still reading', async () => {
    await keys.create(here, 'subject-1');
    expect(await keys.isErased(here, 'subject-1')).toBe(false);
    const asked = keys.open(here, 'subject-1');
    await keys.erase(here, ['subject-1', 'never-made']);
    expect(await keys.open(here, 'subject-1')).toBeUndefined();
    expect(await keys.isErased(here, 'subject-1')).toBe(true);
    await asked;
  });

  it('asked for by many at once are read once', async () => {
    await keys.create(here, 'subject-1');
    let reads = 0;
    const counting = async (tenant: TenantId, keyId: string) => {
      reads += 1;
      return table.get(tenant, keyId);
    };
    const counted = new DataKeys(keyService, instead(table, { get: counting }), app.get(Random));
    const opened = await Promise.all(Array.from({ length: 8 }, () => counted.open(here, 'subject-1')));
    expect(opened.every((key) => key !== undefined)).toBe(true);
    expect(reads).toBe(1);
  });

  it('are wrapped again when their generation is being closed', async () => {
    let wraps = 0;
    const closing = async (tenant: TenantId, keyId: string, bytes: Uint8Array) => {
      wraps += 1;
      const entry = await keyService.wrap(tenant, keyId, bytes);
      if (wraps === 1) await table.raiseFloor(here, await keyService.openGeneration(here));
      return entry;
    };
    const overtaken = new DataKeys(instead(keyService, { wrap: closing }), table, app.get(Random));
    const made = await overtaken.create(here, 'subject-1');
    expect(wraps).toBe(2);
    expect((await keys.open(here, 'subject-1'))?.equals(made)).toBe(true);
  });

  it('are read again when their generation was closed meanwhile', async () => {
    const made = await keys.create(here, 'subject-1');
    const closing = async (tenant: TenantId, old: KeyEntry) => {
      await keyService.openGeneration(here);
      const fresh = await keyService.rewrap(here, old);
      await table.replace(here, fresh ? [fresh] : []);
      await keyService.destroyGenerations(here, 2);
      overtaking.unwrap = (...asked) => keyService.unwrap(...asked);
      return keyService.unwrap(tenant, old);
    };
    const overtaking = instead(keyService, { unwrap: closing });
    const overtaken = new DataKeys(overtaking, table, app.get(Random));
    expect((await overtaken.open(here, 'subject-1'))?.equals(made)).toBe(true);
  });

  it('that nothing opens any more are erased', async () => {
    await keys.create(here, 'subject-1');
    await keyService.openGeneration(here);
    await keyService.destroyGenerations(here, 2);
    expect(await keys.open(here, 'subject-1')).toBeUndefined();
    expect(await keys.isErased(here, 'subject-1')).toBe(true);
  });
});
