import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { TenantId } from '#lib/core';
import { HandOverRefused, type KeyService, KeysUnavailable } from './key-service/key-service.port.js';
import type { KeyEntry } from './key-table/key-table.port.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');
const dataKey = (first = 0) => Uint8Array.from({ length: 32 }, (_, n) => (n * 41 + first) % 256);
const digest = dataKey(7);

interface Opened {
  readonly keys: KeyService;
  /** The same keys, as a process started from now on has them. */
  readonly reopen: () => Promise<KeyService>;
  readonly close: () => Promise<void>;
}

/**
 * What every KeyService must do when a tenant moves: part of `keyServiceContract`, and run besides between two families.
 * Each gives a fresh one without a tenant.
 */
export function handOverContract(openFrom: () => Promise<Opened>, openTo: () => Promise<Opened>): void {
  describe('a tenant that moves', () => {
    let from: KeyService;
    let to: KeyService;
    let reopen: () => Promise<KeyService>;
    let closings: (() => Promise<void>)[];
    const secretOf = async (keys: KeyService) => (await keys.secret(here, 'x')).export().toString('hex');
    const opened = async (entry: KeyEntry) => {
      const key = await to.unwrap(here, entry);
      return key && new Uint8Array(key.export());
    };
    const entryOf = (keyId = 'key') => from.wrap(here, keyId, dataKey());
    const handed = async () => from.handOver(here, await to.receive(here));

    beforeEach(async () => {
      const [source, target] = [await openFrom(), await openTo()];
      [from, to, reopen, closings] = [source.keys, target.keys, target.reopen, [source.close, target.close]];
      await from.provision(here);
    });
    afterEach(async () => {
      for (const close of closings) await close();
    });

    it('keeps its secrets, what it signs with, its data keys, and counts on from where it was', async () => {
      await from.rotate(here);
      await from.openGeneration(here);
      await from.openGeneration(here);
      await from.destroyGenerations(here, 3);
      const [entry, signed] = [await entryOf(), await from.sign(here, dataKey())];
      const hand = await handed();
      const taken = await to.takeOver(here, hand.sealed);
      const moved = await taken.wrap('key', (await hand.seal(entry)) as Uint8Array);
      await to.admit(here);
      for (const again of [to, await reopen()]) {
        to = again;
        expect(await secretOf(to)).toBe(await secretOf(from));
        expect(await to.publicKeys(here)).toEqual(await from.publicKeys(here));
        expect((await to.sign(here, dataKey())).kid).toBe(signed.kid);
        expect(moved).toMatchObject({ keyId: 'key', generation: 3 });
        expect(await opened(moved)).toEqual(dataKey());
        expect(await to.generations(here)).toEqual([3]);
      }
      const jwk = (await to.publicKeys(here)).find(({ kid }) => kid === signed.kid) as JsonWebKey;
      const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
      expect(verify(null, dataKey(), publicKey, (await to.sign(here, dataKey())).signature)).toBe(true);
      expect([await to.rotate(here), await to.openGeneration(here)]).toEqual([3, 4]);
    });

    it('has wrappings of its own on either side: those of one open nothing on the other', async () => {
      const entry = await entryOf();
      const hand = await handed();
      const taken = await to.takeOver(here, hand.sealed);
      const moved = await taken.wrap('key', (await hand.seal(entry)) as Uint8Array);
      await to.admit(here);
      expect(await opened(entry)).toBeUndefined();
      expect(await from.unwrap(here, moved)).toBeUndefined();
      expect((await from.unwrap(here, entry))?.export()).toEqual(Buffer.from(dataKey()));
    });

    it('has no keys for anything else until it is admitted, and is not begun anew meanwhile', async () => {
      const hand = await handed();
      const isClosed = async () => {
        const calls = [() => to.generations(here), () => to.secret(here, 'x'), () => to.wrap(here, 'key', dataKey())];
        for (const call of calls) await expect(call()).rejects.toBeInstanceOf(KeysUnavailable);
        await expect(to.provision(here)).rejects.toBeInstanceOf(KeysUnavailable);
      };
      await isClosed();
      const taken = await to.takeOver(here, hand.sealed);
      await taken.wrap('key', (await hand.seal(await entryOf())) as Uint8Array);
      await isClosed();
      to = await reopen();
      await isClosed();
      await to.admit(here);
      await to.admit(here);
      await to.provision(here);
      expect(await secretOf(to)).toBe(await secretOf(from));
    });

    it('is awaited under the same public key by every process, and under none once it has keys', async () => {
      const publicKey = await to.receive(here);
      expect(publicKey).toHaveLength(32);
      expect(await to.receive(here)).toEqual(publicKey);
      expect(await (await reopen()).receive(here)).toEqual(publicKey);
      expect(await to.receive(there)).not.toEqual(publicKey);
      await expect(from.receive(here)).rejects.toBeInstanceOf(HandOverRefused);
    });

    it('goes on after a crash: the same hand-over again opens what was wrapped for it before', async () => {
      const hand = await handed();
      const sealed = (await hand.seal(await entryOf())) as Uint8Array;
      const before = await (await to.takeOver(here, hand.sealed)).wrap('key', sealed);
      to = await reopen();
      const taken = await to.takeOver(here, hand.sealed);
      expect(await taken.holds(before, sealed)).toBe(true);
      const other = (await hand.seal(await from.wrap(here, 'other', dataKey(1)))) as Uint8Array;
      expect(await taken.holds(before, other)).toBe(false);
      expect(await taken.holds({ ...before, generation: 2 }, sealed)).toBe(false);
      await to.admit(here);
      expect(await opened(before)).toEqual(dataKey());
    });

    it('begins anew with another hand-over: nothing of the last one opens', async () => {
      const first = await handed();
      const sealed = (await first.seal(await entryOf())) as Uint8Array;
      const before = await (await to.takeOver(here, first.sealed)).wrap('key', sealed);
      const second = await handed();
      const taken = await to.takeOver(here, second.sealed);
      await expect(taken.wrap('key', sealed)).rejects.toBeInstanceOf(HandOverRefused);
      expect(await taken.holds(before, (await second.seal(await entryOf())) as Uint8Array)).toBe(false);
      await to.admit(here);
      expect(await opened(before)).toBeUndefined();
    });

    it('is taken from nobody but who sealed it, for its tenant, unaltered', async () => {
      await expect(to.takeOver(here, (await handed()).sealed.slice(1))).rejects.toBeInstanceOf(HandOverRefused);
      const hand = await handed();
      const changed = Uint8Array.from(hand.sealed, (byte, at) => (at === 40 ? byte ^ 1 : byte));
      await expect(to.takeOver(here, changed)).rejects.toBeInstanceOf(HandOverRefused);
      await expect(to.takeOver(there, hand.sealed)).rejects.toBeInstanceOf(HandOverRefused);
      await to.receive(there);
      await expect(to.takeOver(there, hand.sealed)).rejects.toBeInstanceOf(HandOverRefused);
      await expect(to.admit(there)).rejects.toBeInstanceOf(HandOverRefused);
      await expect(from.handOver(here, new Uint8Array(31))).rejects.toBeInstanceOf(HandOverRefused);
      await expect(from.handOver(here, new Uint8Array(32))).rejects.toBeInstanceOf(HandOverRefused);
      const taken = await to.takeOver(here, hand.sealed);
      const sealed = (await hand.seal(await entryOf())) as Uint8Array;
      await expect(taken.wrap('kez', sealed)).rejects.toBeInstanceOf(HandOverRefused);
      await expect(taken.wrap('key', sealed.slice(1))).rejects.toBeInstanceOf(HandOverRefused);
    });

    it('is not taken once it is admitted, or not awaited any more: what was sealed opens nowhere', async () => {
      const first = await handed();
      await to.takeOver(here, first.sealed);
      await to.dismiss(here);
      await to.dismiss(here);
      await expect(to.takeOver(here, first.sealed)).rejects.toBeInstanceOf(HandOverRefused);
      await expect(to.admit(here)).rejects.toBeInstanceOf(HandOverRefused);
      const second = await handed();
      await expect(to.takeOver(here, first.sealed)).rejects.toBeInstanceOf(HandOverRefused);
      await to.takeOver(here, second.sealed);
      await to.admit(here);
      await to.dismiss(here);
      await expect(to.takeOver(here, second.sealed)).rejects.toBeInstanceOf(HandOverRefused);
      expect(await secretOf(to)).toBe(await secretOf(from));
    });

    it('leaves nothing behind of data keys that no key opens', async () => {
      const entry = await entryOf();
      await from.openGeneration(here);
      await from.destroyGenerations(here, 2);
      expect(await (await handed()).seal(entry)).toBeUndefined();
    });

    it('lets both sides prove a digest to each other', async () => {
      const [one, other] = [await handed(), await handed()];
      const taken = await to.takeOver(here, one.sealed);
      expect(taken.tag(digest)).toHaveLength(32);
      expect(taken.tag(digest)).toEqual(one.tag(digest));
      expect(taken.tag(dataKey())).not.toEqual(one.tag(digest));
      expect(taken.tag(digest)).not.toEqual(other.tag(digest));
    });

    it('shows nothing of its keys in what is handed over, which is another each time', async () => {
      const [hand, again] = [await handed(), await handed()];
      const texts = [hand, again].map(({ sealed }) => Buffer.from(sealed).toString('hex'));
      const carried = Buffer.from((await hand.seal(await entryOf())) as Uint8Array).toString('hex');
      expect(texts[0]).not.toBe(texts[1]);
      expect(hand.sealed.length).toBeLessThanOrEqual(10_000);
      expect(carried).not.toContain(Buffer.from(dataKey()).toString('hex').slice(0, 16));
      expect(texts.join()).not.toContain((await secretOf(from)).slice(0, 16));
    });
  });
}
