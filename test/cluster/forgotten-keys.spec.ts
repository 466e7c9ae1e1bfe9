import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import type { Connection } from 'mongoose';
import { KmsKeyService, MongoKeyTable, openDatabase } from '#lib/adapters-cluster';
import { SystemClock, SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { KeyEntry } from '#lib/ports';
import { filesIn } from '../support/canary.js';
import { makeRootKey } from '../support/infra.js';
import { OwnServices } from '../support/own-services.js';

const tenant = TenantId.parse('here');
/** Of a wrapping: format, key version, then a sealed record, which begins so. */
const headBytes = 5;
const recordHead = Buffer.of(0x4c, 1, 1);
const wrappedBytes = 68;
/** What is left of one can be shorter; whatever follows is taken with it. */
const remainBytes = 40;

/** A keyring as it was at some time: what whoever copied the database then still has. */
interface Copied {
  readonly ring: { readonly keys: { readonly generations: readonly Generation[] } };
}
interface Generation {
  readonly number: number;
  readonly erasableId: string;
  readonly sealed: { readonly buffer: Uint8Array };
}

describe('keys that were erased', () => {
  const folder = mkdtempSync(join(tmpdir(), 'forgotten-'));
  const ticks = new SystemClock();
  const random = new SystemRandom();
  const bytes = new Map<string, Buffer>();
  const entries = new Map<string, KeyEntry>();
  const copies: Copied[] = [];
  let services: OwnServices;
  let connection: Connection;
  let table: MongoKeyTable;
  let keys: KmsKeyService;

  const kms = () => ({
    endpoint: process.env.KMS_ENDPOINT,
    region: 'eu-central-1',
    rootKeyId: 'alias/lethe',
    timeoutMs: 10_000,
  });
  const connect = (database: string) =>
    openDatabase({ uri: process.env.MONGODB_URI ?? '', database, timeoutMs: 10_000 });

  const begin = async () => {
    services = await OwnServices.in(join(folder, 'services'), 'mongo', 'kms');
    Object.assign(process.env, services.env);
    await makeRootKey(services.env);
    // Whatever happens, never the real AWS.
    if (!kms().endpoint?.startsWith('http://127.0.0.1:')) throw new Error('there is no KMS of this spec’s own');
    connection = await connect('keys');
    table = await MongoKeyTable.open(connection, ticks);
    keys = await KmsKeyService.open({ kms: kms(), connection, random, ticks });
  };
  const end = async () => {
    keys.close();
    await connection.close();
    await services.stop();
  };
  const put = async (keyId: string) => {
    const key = randomBytes(32);
    bytes.set(keyId, Buffer.from(key));
    entries.set(keyId, await keys.wrap(tenant, keyId, key));
    await table.put(tenant, entries.get(keyId) as KeyEntry);
  };
  const copyKeyring = async () => {
    const found = await connection.collection<{ _id: string }>('keyrings').findOne({ _id: tenant });
    copies.push(found as unknown as Copied);
  };
  /** As a closing does, with nobody else there. */
  const closeGeneration = async () => {
    const open = await keys.openGeneration(tenant);
    await copyKeyring();
    await table.raiseFloor(tenant, open);
    const living = await table.below(tenant, open, '', 1_000);
    const anew = await Promise.all(living.map((entry) => keys.rewrap(tenant, entry)));
    await table.replace(
      tenant,
      anew.filter((entry) => entry !== undefined),
    );
    await keys.destroyGenerations(tenant, open);
  };
  /** Everything in the files of the stopped server that could be a wrapping: data, journal, oplog, free blocks. */
  const candidates = async (): Promise<Buffer[]> => {
    await end();
    const found = new Map<string, Buffer>();
    for (const file of filesIn(join(services.folder, 'mongo', 'data')).values()) {
      const take = (at: number) => {
        const candidate = file.subarray(at, at + wrappedBytes);
        if (at >= 0 && candidate.length >= remainBytes) found.set(candidate.toString('hex'), candidate);
      };
      for (let at = file.indexOf(recordHead); at >= 0; at = file.indexOf(recordHead, at + 1)) take(at - headBytes);
      for (const { wrapped } of entries.values()) {
        const known = Buffer.from(wrapped).subarray(0, remainBytes);
        for (let at = file.indexOf(known); at >= 0; at = file.indexOf(known, at + 1)) take(at);
      }
    }
    await begin();
    return [...found.values()];
  };
  /** Whose of the keys any of the candidates opens to, for whoever has this copy of the keyring and may ask KMS. */
  const openedWith = async (copied: Copied, from: readonly Buffer[], keyIds: readonly string[]): Promise<string[]> => {
    const stolen = await connect(`stolen-${randomBytes(4).toString('hex')}`);
    await stolen.collection('keyrings').insertOne({ ...copied });
    const thief = await KmsKeyService.open({ kms: kms(), connection: stolen, random, ticks });
    const opened = new Set<string>();
    const tried = copied.ring.keys.generations.map(async ({ number: generation }) => {
      for (const keyId of keyIds) {
        for (const wrapped of from) {
          const key = await thief.unwrap(tenant, { keyId, generation, wrapped });
          if (key && bytes.get(keyId)?.equals(key.export())) opened.add(keyId);
        }
      }
    });
    // What KMS refuses for one wrapping it refuses for every other of that generation.
    for (const outcome of await Promise.allSettled(tried)) {
      if (outcome.status === 'fulfilled') continue;
      if ((outcome.reason as { code?: string }).code !== 'KMSInvalidStateException') throw outcome.reason;
    }
    thief.close();
    await stolen.dropDatabase();
    await stolen.close();
    return [...opened].sort();
  };
  /** What KMS itself says of a generation's key as it was once stored. */
  const decrypt = async ({ erasableId, number, sealed }: Generation): Promise<string> => {
    const client = new KMSClient({ region: 'eu-central-1', endpoint: process.env.KMS_ENDPOINT ?? '' });
    const input = {
      KeyId: erasableId,
      CiphertextBlob: new Uint8Array(sealed.buffer),
      EncryptionContext: { tenant, use: 'generation', number: `${number}` },
    };
    const answer = await client.send(new DecryptCommand(input)).then(
      ({ Plaintext }) => `opens to ${Plaintext?.length} bytes`,
      (error: Error) => error.name,
    );
    client.destroy();
    return answer;
  };
  const isLeft = (found: readonly Buffer[], keyId: string) =>
    found.some((each) => each.equals(Buffer.from(entries.get(keyId)?.wrapped ?? [])));

  beforeAll(begin, 120_000);
  afterAll(async () => {
    await end();
    await services.down();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('are in the files of the server until their generation is closed, and open; after that nothing left opens', async () => {
    await keys.provision(tenant);
    const living = Array.from({ length: 10 }, (_, n) => `living-${n}`);
    const first = Array.from({ length: 5 }, (_, n) => `first-${n}`);
    const second = Array.from({ length: 5 }, (_, n) => `second-${n}`);
    const erased = [...first, ...second];
    for (const keyId of [...living, ...first]) await put(keyId);
    await copyKeyring();
    const [original] = copies as [Copied];
    const [generation] = original.ring.keys.generations as [Generation];
    await table.erase(tenant, first);
    expect(await table.count(tenant)).toBe(living.length);

    // Deleted is not erased: this is what closing is for, and how this spec would see that it failed.
    const before = await candidates();
    expect(first.filter((keyId) => !isLeft(before, keyId))).toEqual([]);
    expect(await openedWith(original, before, first)).toEqual(first);
    expect(await decrypt(generation)).toBe('opens to 32 bytes');

    await closeGeneration();
    for (const keyId of second) await put(keyId);
    await keys.rotate(tenant);
    await copyKeyring();
    await table.erase(tenant, second);
    const between = await candidates();
    expect(await openedWith(copies.at(-1) as Copied, between, erased)).toEqual(second);

    await closeGeneration();
    await copyKeyring();
    const after = await candidates();
    expect(erased.filter((keyId) => isLeft(after, keyId)).length).toBeGreaterThan(0);
    for (const copied of copies) expect(await openedWith(copied, after, erased)).toEqual([]);
    const generations = new Map(copies.flatMap(({ ring }) => ring.keys.generations.map((each) => [each.number, each])));
    const answers = await Promise.all([...generations.values()].map(decrypt));
    expect(answers).toEqual(['KMSInvalidStateException', 'KMSInvalidStateException', 'opens to 32 bytes']);

    for (const keyId of living) {
      const entry = (await table.get(tenant, keyId)) as KeyEntry;
      expect(entry.generation).toBe(3);
      expect((await keys.unwrap(tenant, entry))?.export()).toEqual(bytes.get(keyId));
    }
  }, 240_000);
});
