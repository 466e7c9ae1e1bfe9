import { randomBytes } from 'node:crypto';
import type { Connection } from 'mongoose';
import { SystemClock, SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { type Clock, type KeyEntry, KeysUnavailable } from '#lib/ports';
import { TestClock } from '../../../test/support/clock.js';
import { KmsLink } from '../../../test/support/kms-link.js';
import { LossyLink } from '../../../test/support/lossy-link.js';
import { KmsKeyService } from './kms-key-service.adapter.js';
import { openDatabase } from './mongo-connection.js';

const random = new SystemRandom();
const endpoint = process.env.KMS_ENDPOINT;
// Without one the SDK would go to the real AWS.
if (!endpoint) throw new Error('KMS_ENDPOINT is not set');
const root = { endpoint, region: 'eu-central-1', rootKeyId: 'alias/lethe', timeoutMs: 10_000 };
const here = TenantId.parse('here');
const there = TenantId.parse('there');
const dataKey = () => new Uint8Array(32).fill(7);

describe('KmsKeyService, with several processes and a KMS that fails', () => {
  let connection: Connection;
  let link: KmsLink;
  let services: KmsKeyService[];
  let keys: KmsKeyService;
  const begin = async (ticks: Clock = new SystemClock(), timeoutMs = 10_000, endpoint = link.url) => {
    const kms = { ...root, endpoint, timeoutMs };
    const service = await KmsKeyService.open({ kms, connection, random, ticks });
    services.push(service);
    return service;
  };
  const isOpen = async (service: KmsKeyService, entry: KeyEntry, tenant = here) =>
    (await service.unwrap(tenant, entry)) !== undefined;

  beforeEach(async () => {
    const database = `keys-${randomBytes(6).toString('hex')}`;
    connection = await openDatabase({ uri: process.env.MONGODB_URI ?? '', database, timeoutMs: 10_000 });
    link = await KmsLink.to(endpoint);
    services = [];
    keys = await begin();
    await keys.provision(here);
  });
  afterEach(async () => {
    for (const service of services) service.close();
    link.close();
    await connection.dropDatabase();
    await connection.close();
  });

  describe('the end of a generation', () => {
    it.each([
      ['DeleteImportedKeyMaterial', 'cut before'],
      ['DeleteImportedKeyMaterial', 'cut after'],
      ['Decrypt', 'cut before'],
      ['ScheduleKeyDeletion', 'cut before'],
      ['ScheduleKeyDeletion', 'cut after'],
    ] as const)('that stops at %s, %s, is known, opens nothing and goes on', async (operation, trouble) => {
      const entry = await keys.wrap(here, 'key', dataKey());
      expect(await keys.openGeneration(here)).toBe(2);
      const living = await keys.wrap(here, 'living', dataKey());
      const stopping = await begin(new SystemClock(), 2_000);
      link.trouble(operation, trouble);
      await expect(stopping.destroyGenerations(here, 2)).rejects.toBeInstanceOf(KeysUnavailable);
      link.calm();
      const next = await begin();
      expect(await next.generations(here)).toEqual([1, 2]);
      expect(await isOpen(next, entry)).toBe(false);
      await next.destroyGenerations(here, 2);
      expect(await next.generations(here)).toEqual([2]);
      expect([await isOpen(next, entry), await isOpen(next, living)]).toEqual([false, true]);
    });

    it.each(['DeleteImportedKeyMaterial', 'Decrypt', 'ScheduleKeyDeletion'])(
      'goes on by itself when an answer to %s was lost',
      async (operation) => {
        await keys.openGeneration(here);
        link.trouble(operation, 'cut after', 1);
        await keys.destroyGenerations(here, 2);
        expect(await keys.generations(here)).toEqual([2]);
      },
    );

    it('is only told when KMS opens nothing with it any more', async () => {
      await keys.openGeneration(here);
      link.asked.length = 0;
      await keys.destroyGenerations(here, 2);
      expect(link.asked).toEqual(['DeleteImportedKeyMaterial', 'Decrypt', 'ScheduleKeyDeletion']);
    });

    it('is noticed by another process within five seconds, and at once where the key is not in its memory', async () => {
      const clock = new TestClock();
      const [late, later] = [await begin(clock), await begin(clock)];
      const entry = await keys.wrap(here, 'key', dataKey());
      expect([await isOpen(late, entry), await later.publicKeys(here)]).toMatchObject([true, [{}]]);
      await keys.openGeneration(here);
      await keys.destroyGenerations(here, 2);
      expect(await isOpen(later, entry)).toBe(false);
      clock.advance(5_100);
      expect(await isOpen(late, entry)).toBe(false);
    });
  });

  describe('the beginning of a tenant, or of a generation', () => {
    it('by several processes at once is one', async () => {
      const others = [keys, await begin(), await begin()];
      await Promise.all(others.map((each) => each.provision(there)));
      const kids = await Promise.all(others.map(async (each) => (await each.publicKeys(there))[0]?.kid));
      expect(new Set(kids).size).toBe(1);
      const entry = await keys.wrap(there, 'key', dataKey());
      for (const each of others) expect(await isOpen(each, entry, there)).toBe(true);
      const opened = await Promise.all(others.map((each) => each.openGeneration(there)));
      expect(new Set(opened)).toEqual(new Set([2, 3, 4]));
      expect(await keys.generations(there)).toEqual([1, 2, 3, 4]);
      const versions = await Promise.all(others.map((each) => each.rotate(there)));
      expect(new Set(versions)).toEqual(new Set([2, 3, 4]));
      expect(await isOpen(await begin(), entry, there)).toBe(true);
    });

    it.each(['CreateKey', 'GetParametersForImport', 'ImportKeyMaterial', 'GenerateDataKeyWithoutPlaintext'])(
      'is whole though an answer to %s was lost',
      async (operation) => {
        link.trouble(operation, 'cut after', 1);
        await keys.provision(there);
        link.trouble(operation, 'cut after', 1);
        expect(await keys.openGeneration(there)).toBe(2);
        const entry = await keys.wrap(there, 'key', dataKey());
        expect(await isOpen(await begin(), entry, there)).toBe(true);
        await keys.destroyGenerations(there, 2);
        expect(await isOpen(await begin(), entry, there)).toBe(true);
      },
    );

    it('is at once what another process wraps under', async () => {
      const other = await begin();
      await other.wrap(here, 'key', dataKey());
      await keys.rotate(here);
      await keys.openGeneration(here);
      const entry = await other.wrap(here, 'key', dataKey());
      expect(entry.generation).toBe(2);
      expect(entry.wrapped[4]).toBe(2);
      // And another one, that has read the keyring before, opens it.
      expect(await isOpen(keys, entry)).toBe(true);
    });
  });

  it('changes a keyring once, though MongoDB’s answer was lost', async () => {
    const uri = new URL(process.env.MONGODB_URI ?? '');
    const lossy = await LossyLink.to(Number(uri.port));
    uri.port = `${lossy.port}`;
    const place = { uri: `${uri.href}&retryWrites=false`, database: connection.name, timeoutMs: 10_000 };
    const linked = await openDatabase(place);
    const service = await KmsKeyService.open({ kms: root, connection: linked, random, ticks: new SystemClock() });
    services.push(service);
    lossy.lose('updates');
    expect(await service.openGeneration(here)).toBe(2);
    lossy.lose('updates');
    expect(await service.rotate(here)).toBe(2);
    lossy.lose('updates');
    await service.destroyGenerations(here, 2);
    lossy.lose('insert');
    await service.provision(there);
    expect(lossy.left).toBe(0);
    expect([await keys.generations(here), await keys.generations(there)]).toEqual([[2], [1]]);
    expect([await keys.rotate(here), await keys.openGeneration(here)]).toEqual([3, 3]);
    expect(await isOpen(service, await keys.wrap(there, 'key', dataKey()), there)).toBe(true);
    await linked.close();
    await lossy.close();
  });

  describe('KMS', () => {
    it('is not asked per template: twice for a thousand, and again after a minute', async () => {
      const clock = new TestClock();
      const service = await begin(clock);
      const entries = await Promise.all(Array.from({ length: 1_000 }, (_, n) => service.wrap(here, `${n}`, dataKey())));
      const calls = () => link.asked.filter((operation) => operation === 'Decrypt').length;
      const open = async () => {
        const opened = await Promise.all(entries.map((entry) => isOpen(service, entry)));
        expect(opened).not.toContain(false);
      };
      expect(calls()).toBe(2);
      await open();
      clock.advance(20_000);
      await open();
      expect(calls()).toBe(2);
      clock.advance(60_100);
      await open();
      expect(calls()).toBe(4);
    });

    it('is asked again when it has too much to do, and that is counted', async () => {
      const entry = await keys.wrap(here, 'key', dataKey());
      const service = await begin();
      const before = { ...service.readings };
      link.trouble('Decrypt', 'ThrottlingException', 3);
      expect(await isOpen(service, entry)).toBe(true);
      const { calls, retries, throttled, failures, latencySumMs } = service.readings;
      expect([calls - before.calls, retries, throttled, failures]).toEqual([5, 3, 3, 0]);
      expect(latencySumMs).toBeGreaterThanOrEqual(before.latencySumMs);
    });

    it.each(['ThrottlingException', 'cut before'] as const)(
      'that goes on so (%s) is given up in time',
      async (trouble) => {
        const entry = await keys.wrap(here, 'key', dataKey());
        const service = await begin(new SystemClock(), 2_000);
        link.trouble('Decrypt', trouble);
        const begun = performance.now();
        await expect(service.unwrap(here, entry)).rejects.toBeInstanceOf(KeysUnavailable);
        expect(performance.now() - begun).toBeLessThan(15_000);
        expect(service.readings.failures).toBeGreaterThan(0);
        link.calm();
        expect(await isOpen(service, entry)).toBe(true);
      },
    );

    it('that is not there, or has no such root key, is said at once', async () => {
      const refused = begin(new SystemClock(), 300, 'http://127.0.0.1:1');
      await expect(refused).rejects.toBeInstanceOf(KeysUnavailable);
      const kms = { ...root, rootKeyId: 'alias/lethe-none' };
      const without = KmsKeyService.open({ kms, connection, random, ticks: new SystemClock() });
      await expect(without).rejects.toMatchObject({ name: 'KeysUnavailable', code: 'NotFoundException' });
      await expect(keys.check()).resolves.toBeUndefined();
    });
  });

  it('opens no key that stands in the keyring of another tenant', async () => {
    await keys.provision(there);
    const rings = connection.collection<{ _id: string; ring: object }>('keyrings');
    const other = await rings.findOne({ _id: 'there' });
    await rings.updateOne({ _id: 'here' }, { $set: { ring: other?.ring ?? {} } });
    const service = await begin();
    const calls = [
      () => service.wrap(here, 'key', dataKey()),
      () => service.secret(here, 'x'),
      () => service.sign(here, dataKey()),
      () => service.publicKeys(here),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'InvalidCiphertextException' });
  });
});
