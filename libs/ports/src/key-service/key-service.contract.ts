import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { TenantId } from '#lib/core';
import { handOverContract } from '../hand-over.contract.js';
import type { KeyEntry } from '../key-table/key-table.port.js';
import { type KeyService, KeysUnavailable } from './key-service.port.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');
const dataKey = (first = 0) => Uint8Array.from({ length: 32 }, (_, n) => (n * 37 + first) % 256);
const bytesOf = (key: KeyObject | undefined) => key && new Uint8Array(key.export());

interface Opened {
  readonly keys: KeyService;
  /** The same keys, as a process started from now on has them. */
  readonly reopen: () => Promise<KeyService>;
  readonly close: () => Promise<void>;
}

/** What every KeyService must do. `open` gives a fresh one without a tenant each time. */
export function keyServiceContract(open: () => Promise<Opened>): void {
  describe('KeyService contract', () => {
    let keys: KeyService;
    let reopen: () => Promise<KeyService>;
    let close: () => Promise<void>;
    const opened = async (entry: KeyEntry, tenant = here) => bytesOf(await keys.unwrap(tenant, entry));

    beforeEach(async () => {
      ({ keys, reopen, close } = await open());
      await keys.provision(here);
    });
    afterEach(() => close());

    describe('a tenant', () => {
      it('begins with generation 1 and a signing key, once', async () => {
        const entry = await keys.wrap(here, 'key', dataKey());
        const [publicKeys, secret] = [await keys.publicKeys(here), bytesOf(await keys.secret(here, 'x'))];
        await keys.provision(here);
        await Promise.all([keys.provision(there), keys.provision(there)]);
        expect(await keys.generations(here)).toEqual([1]);
        expect(await keys.publicKeys(here)).toEqual(publicKeys);
        expect(bytesOf(await keys.secret(here, 'x'))).toEqual(secret);
        expect(await opened(entry)).toEqual(dataKey());
      });

      it('has its keys for good once they were made', async () => {
        const entry = await keys.wrap(here, 'key', dataKey());
        const [publicKeys, secret] = [await keys.publicKeys(here), bytesOf(await keys.secret(here, 'x'))];
        keys = await reopen();
        expect(await opened(entry)).toEqual(dataKey());
        expect(await keys.publicKeys(here)).toEqual(publicKeys);
        expect(bytesOf(await keys.secret(here, 'x'))).toEqual(secret);
      });

      it('that has none gets nothing', async () => {
        const entry = await keys.wrap(here, 'key', dataKey());
        const calls: (() => Promise<unknown>)[] = [
          () => keys.wrap(there, 'key', dataKey()),
          () => keys.unwrap(there, entry),
          () => keys.rewrap(there, entry),
          () => keys.generations(there),
          () => keys.openGeneration(there),
          () => keys.destroyGenerations(there, 1),
          () => keys.rotate(there),
          () => keys.secret(there, 'x'),
          () => keys.sign(there, dataKey()),
          () => keys.publicKeys(there),
          () => keys.handOver(there, dataKey(9)),
        ];
        for (const call of calls) await expect(call()).rejects.toBeInstanceOf(KeysUnavailable);
      });

      it('can be many, provisioned at once', async () => {
        const tenants = Array.from({ length: 20 }, (_, n) => TenantId.parse(`tenant-${n}`));
        await Promise.all(tenants.map((tenant) => keys.provision(tenant)));
        keys = await reopen();
        const secrets = await Promise.all(tenants.map(async (tenant) => bytesOf(await keys.secret(tenant, 'x'))));
        expect(new Set(secrets.map((secret) => Buffer.from(secret ?? []).toString('hex'))).size).toBe(20);
      });

      it('has keys that can be used now', async () => {
        expect(await keys.check()).toBeUndefined();
      });
    });

    describe('a wrapping', () => {
      it('opens to the key that was wrapped, whose bytes stay the caller’s', async () => {
        const bytes = dataKey();
        const entry = await keys.wrap(here, 'key', bytes);
        expect(bytes).toEqual(dataKey());
        expect(entry).toMatchObject({ keyId: 'key', generation: 1 });
        expect(entry.wrapped.length).toBeLessThanOrEqual(500);
        expect(await opened(entry)).toEqual(bytes);
      });

      it('is another one each time, and shows nothing of the key', async () => {
        const entries = await Promise.all(Array.from({ length: 50 }, () => keys.wrap(here, 'key', dataKey())));
        const texts = entries.map(({ wrapped }) => Buffer.from(wrapped).toString('hex'));
        expect(new Set(texts).size).toBe(50);
        for (const text of texts) expect(text).not.toContain(Buffer.from(dataKey()).toString('hex').slice(0, 16));
      });

      it('opens for its tenant, its key id and its generation only', async () => {
        await keys.provision(there);
        const entry = await keys.wrap(here, 'key', dataKey());
        await keys.openGeneration(here);
        expect(await opened(entry, there)).toBeUndefined();
        expect(await opened({ ...entry, keyId: 'kez' })).toBeUndefined();
        for (const generation of [0, 2, 3, 1.5, Number.NaN]) {
          expect(await opened({ ...entry, generation })).toBeUndefined();
        }
        expect(await keys.rewrap(here, { ...entry, keyId: 'kez' })).toBeUndefined();
      });

      it('does not open when a bit of it was changed, or it was cut', async () => {
        const entry = await keys.wrap(here, 'key', dataKey());
        for (let at = 0; at < entry.wrapped.length; at++) {
          const wrapped = Uint8Array.from(entry.wrapped);
          wrapped[at] = (wrapped[at] ?? 0) ^ (1 << (at % 8));
          expect(await opened({ ...entry, wrapped })).toBeUndefined();
          expect(await opened({ ...entry, wrapped: entry.wrapped.slice(0, at) })).toBeUndefined();
        }
        expect(await opened({ ...entry, wrapped: Buffer.concat([entry.wrapped, Buffer.of(0)]) })).toBeUndefined();
      });

      it('is of 32 bytes, no more and no fewer', async () => {
        await expect(keys.wrap(here, 'key', new Uint8Array(31))).rejects.toMatchObject({ name: 'RangeError' });
        await expect(keys.wrap(here, 'key', new Uint8Array(33))).rejects.toMatchObject({ name: 'RangeError' });
      });
    });

    describe('a new version of the key', () => {
      it('wraps what comes, and opens what was', async () => {
        const before = await keys.wrap(here, 'key', dataKey());
        expect([await keys.rotate(here), await keys.rotate(here)]).toEqual([2, 3]);
        const after = await keys.wrap(here, 'key', dataKey(1));
        keys = await reopen();
        expect(await opened(before)).toEqual(dataKey());
        expect(await opened(after)).toEqual(dataKey(1));
        expect(await keys.rotate(here)).toBe(4);
        expect(await keys.generations(here)).toEqual([1]);
      });

      it('loses none of many begun at once', async () => {
        const versions = await Promise.all(Array.from({ length: 5 }, () => keys.rotate(here)));
        expect(new Set(versions)).toEqual(new Set([2, 3, 4, 5, 6]));
      });
    });

    describe('a generation', () => {
      it('is opened after the last, and new wrappings are made under it', async () => {
        expect(await keys.openGeneration(here)).toBe(2);
        expect(await keys.wrap(here, 'key', dataKey())).toMatchObject({ generation: 2 });
        keys = await reopen();
        expect(await keys.generations(here)).toEqual([1, 2]);
        expect(await keys.openGeneration(here)).toBe(3);
      });

      it('is left by a wrapping that is made anew: the same key, the newest version', async () => {
        const before = await keys.wrap(here, 'key', dataKey());
        await keys.rotate(here);
        await keys.openGeneration(here);
        const after = await keys.rewrap(here, before);
        expect(after).toMatchObject({ keyId: 'key', generation: 2 });
        await keys.destroyGenerations(here, 2);
        expect(await opened(after as KeyEntry)).toEqual(dataKey());
        expect(await opened(before)).toBeUndefined();
        expect(await keys.rewrap(here, before)).toBeUndefined();
      });

      it('that is destroyed opens nothing any more, now and for ever', async () => {
        const wrappings: KeyEntry[] = [];
        for (const generation of [2, 3, 4]) {
          wrappings.push(await keys.wrap(here, 'key', dataKey()));
          expect(await keys.openGeneration(here)).toBe(generation);
        }
        const open = await keys.wrap(here, 'key', dataKey());
        for (const entry of wrappings) expect(await opened(entry)).toEqual(dataKey());
        await keys.destroyGenerations(here, 3);
        expect(await keys.generations(here)).toEqual([3, 4]);
        for (const again of [keys, await reopen()]) {
          keys = again;
          const found = await Promise.all([...wrappings, open].map((entry) => opened(entry)));
          expect(found).toEqual([undefined, undefined, dataKey(), dataKey()]);
        }
        await keys.destroyGenerations(here, 3);
        await keys.destroyGenerations(here, 1);
        expect(await keys.generations(here)).toEqual([3, 4]);
        expect(await keys.openGeneration(here)).toBe(5);
      });

      it('that is open stays: without it nothing could be wrapped', async () => {
        await expect(keys.destroyGenerations(here, 2)).rejects.toMatchObject({ name: 'Error' });
        expect(await keys.generations(here)).toEqual([1]);
      });

      it('is of one tenant', async () => {
        await keys.provision(there);
        const other = await keys.wrap(there, 'key', dataKey());
        await keys.openGeneration(here);
        await keys.destroyGenerations(here, 2);
        expect(await opened(other, there)).toEqual(dataKey());
        expect(await keys.generations(there)).toEqual([1]);
      });
    });

    describe('a secret', () => {
      it('is the same for its label and tenant, another one for others, whatever else changes', async () => {
        await keys.provision(there);
        const secrets = () =>
          Promise.all([keys.secret(here, 'a'), keys.secret(here, 'b'), keys.secret(there, 'a')]).then((made) =>
            made.map((key) => key.export().toString('hex')),
          );
        const before = await secrets();
        expect(new Set(before).size).toBe(3);
        for (const secret of before) expect(secret).toMatch(/^[0-9a-f]{64}$/);
        await keys.rotate(here);
        await keys.openGeneration(here);
        await keys.destroyGenerations(here, 2);
        expect(await secrets()).toEqual(before);
      });
    });

    describe('a signature', () => {
      const message = Buffer.from('a receipt');
      const verifies = (jwk: JsonWebKey | undefined, signature: Uint8Array, signed: Uint8Array = message) =>
        verify(null, signed, createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }), signature);

      it('is checked by the public key that it names, and by no other tenant’s', async () => {
        await keys.provision(there);
        const { kid, signature } = await keys.sign(here, message);
        const publicKey = (await keys.publicKeys(here)).find((each) => each.kid === kid);
        expect(signature).toHaveLength(64);
        expect(verifies(publicKey, signature)).toBe(true);
        expect(verifies(publicKey, signature, Buffer.from('a Receipt'))).toBe(false);
        expect((await keys.publicKeys(there)).some((each) => verifies(each, signature))).toBe(false);
      });

      it('has public keys as RFC 8037 writes them, named by their thumbprint (RFC 7638), and no more', async () => {
        for (const jwk of await keys.publicKeys(here)) {
          const { kty, crv, x, kid, ...rest } = jwk;
          expect([kty, crv, rest]).toEqual(['OKP', 'Ed25519', { alg: 'EdDSA', use: 'sig' }]);
          const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
          expect(kid).toBe(thumbprint);
        }
      });
    });

    handOverContract(open, open);
  });
}
