import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { go, opens, quiet, stands, tenant } from '../../../test/support/move.js';
import { TwoSides } from '../../../test/support/two-sides.js';
import { exportTenant } from './export-tenant.js';
import { importTenant } from './import-tenant.js';
import { fingerprintOf, transferKeyFrom, transferKeyText } from './transfer-key.js';

describe('a tenant that moves', () => {
  let sides: TwoSides;
  beforeEach(async () => {
    sides = await TwoSides.open();
  });
  afterEach(() => sides.close());

  it('is the same on the other side to the last byte: log, records, keys, secret and signature', async () => {
    const out = await sides.exported();
    expect(out).toMatchObject({ head: 48, keys: 3, noise: 0, records: 5 });
    expect(statSync(sides.file).mode & 0o777).toBe(0o600);
    const done = await importTenant(sides.to, sides.file, quiet);
    expect(done).toEqual({ tenant, head: 48, keys: 3, records: 5, history: out.history, appended: 48, wasHere: false });
    expect(await stands(sides.to)).toEqual(await stands(sides.from));
    expect(await opens(sides.to)).toEqual(await opens(sides.from));
    expect((await opens(sides.to)).keys).toEqual([1, 2, 3]);
    expect(await sides.to.keys.generations(tenant)).toEqual([2]);
  });

  it('has a history whose hash anyone can make again: SHA-256 of one line of canonical JSON for each event', async () => {
    const { history } = await sides.exported();
    const sorted = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map(sorted);
      return Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([k, v]) => [k, sorted(v)]),
      );
    };
    const log = await sides.from.store.readLog(tenant, 0, 100);
    // The members named by numbers stand before all others whatever one does; in canonical order "10" is before "9".
    const lines = log.map((event) =>
      JSON.stringify(sorted(event)).replace('{"9":null,"10":1.5}', '{"10":1.5,"9":null}'),
    );
    expect(
      createHash('sha256')
        .update(`${lines.join('\n')}\n`)
        .digest('hex'),
    ).toBe(history);
  });

  it('goes on and back again, to a place where it never was', async () => {
    await sides.exported();
    await importTenant(sides.to, sides.file, quiet);
    await go(sides.to.store, 41, 60);
    const back = sides.open();
    const publicKey = await back.keys.receive(tenant);
    const second = join(sides.folder, 'back.move');
    await exportTenant(sides.to, { tenant, publicKey }, second, quiet);
    await importTenant(back, second, quiet);
    expect(await stands(back)).toEqual(await stands(sides.to));
    expect(await opens(back)).toEqual(await opens(sides.from));
  });

  it('shows nothing that opens anything in the file', async () => {
    await sides.exported();
    const text = readFileSync(sides.file, 'latin1');
    const { secret } = await opens(sides.from);
    for (const first of [1, 2, 3]) {
      const key = Buffer.alloc(32, first);
      for (const form of ['hex', 'base64', 'latin1'] as const)
        expect(text).not.toContain(key.toString(form).slice(0, 20));
    }
    expect(text).not.toContain(secret);
  });

  it('is imported once: again is no matter, also when it went on meanwhile', async () => {
    await sides.exported();
    await importTenant(sides.to, sides.file, quiet);
    expect(await importTenant(sides.to, sides.file, quiet)).toMatchObject({ appended: 0, wasHere: true });
    await go(sides.to.store, 41, 45);
    expect(await importTenant(sides.to, sides.file, quiet)).toMatchObject({ wasHere: true });
  });

  it('leaves entries behind that nothing opens', async () => {
    const dead = await sides.from.keys.wrap(tenant, 'dead', new Uint8Array(32));
    await sides.from.table.put(tenant, { ...dead, wrapped: Uint8Array.from(dead.wrapped, (byte) => byte ^ 1) });
    expect(await sides.exported()).toMatchObject({ keys: 3, noise: 1 });
    await importTenant(sides.to, sides.file, quiet);
    expect(await sides.to.table.get(tenant, 'dead')).toBeUndefined();
  });

  it('is sealed to a key that goes by a file and is compared by its fingerprint', async () => {
    const key = { tenant, publicKey: await sides.to.keys.receive(tenant) };
    const read = transferKeyFrom(transferKeyText(key));
    expect([read.tenant, Buffer.from(read.publicKey)]).toEqual([tenant, Buffer.from(key.publicKey)]);
    expect(fingerprintOf(read)).toMatch(/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/);
    for (const text of ['', '{}', transferKeyText(key).replace('transfer-key', 'move')]) {
      expect(() => transferKeyFrom(text)).toThrow('this is no transfer key');
    }
  });
});
