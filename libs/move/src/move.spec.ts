import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { go, type OpenSide, openSide, opens, quiet, settle, stands, tenant } from '../../../test/support/move.js';
import { exportTenant } from './export-tenant.js';
import { importTenant } from './import-tenant.js';
import type { Side } from './side.js';
import { fingerprintOf, transferKeyFrom, transferKeyText } from './transfer-key.js';

describe('a tenant that moves', () => {
  let folder: string;
  let from: OpenSide;
  let to: OpenSide;
  let file: string;
  const opened: OpenSide[] = [];
  const open = () => {
    const side = openSide(mkdtempSync(join(folder, 'side-')));
    opened.push(side);
    return side;
  };
  const exported = async (target: Side = to, name = 'here.move') => {
    file = join(folder, name);
    rmSync(file, { force: true });
    return exportTenant(from, { tenant, publicKey: await target.keys.receive(tenant) }, file, quiet);
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'move-'));
    [from, to] = [open(), open()];
    await settle(from);
  });
  afterEach(async () => {
    for (const side of opened.splice(0)) await side.close();
    rmSync(folder, { recursive: true });
  });

  it('is the same on the other side to the last byte: log, records, keys, secret and signature', async () => {
    const out = await exported();
    expect(out).toMatchObject({ head: 48, keys: 3, noise: 0, records: 5 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const done = await importTenant(to, file, quiet);
    expect(done).toEqual({ tenant, head: 48, keys: 3, records: 5, history: out.history, appended: 48, wasHere: false });
    expect(await stands(to)).toEqual(await stands(from));
    expect(await opens(to)).toEqual(await opens(from));
    expect((await opens(to)).keys).toEqual([1, 2, 3]);
    expect(await to.keys.generations(tenant)).toEqual([2]);
  });

  it('has a history whose hash anyone can make again: SHA-256 of one line of canonical JSON for each event', async () => {
    const { history } = await exported();
    const sorted = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map(sorted);
      return Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([k, v]) => [k, sorted(v)]),
      );
    };
    const log = await from.store.readLog(tenant, 0, 100);
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
    await exported();
    await importTenant(to, file, quiet);
    await go(to.store, 41, 60);
    const back = open();
    const publicKey = await back.keys.receive(tenant);
    const second = join(folder, 'back.move');
    await exportTenant(to, { tenant, publicKey }, second, quiet);
    await importTenant(back, second, quiet);
    expect(await stands(back)).toEqual(await stands(to));
    expect(await opens(back)).toEqual(await opens(from));
  });

  it('shows nothing that opens anything in the file', async () => {
    await exported();
    const text = readFileSync(file, 'latin1');
    const { secret } = await opens(from);
    for (const first of [1, 2, 3]) {
      const key = Buffer.alloc(32, first);
      for (const form of ['hex', 'base64', 'latin1'] as const)
        expect(text).not.toContain(key.toString(form).slice(0, 20));
    }
    expect(text).not.toContain(secret);
  });

  it('is imported once: again is no matter, also when it went on meanwhile', async () => {
    await exported();
    await importTenant(to, file, quiet);
    expect(await importTenant(to, file, quiet)).toMatchObject({ appended: 0, wasHere: true });
    await go(to.store, 41, 45);
    expect(await importTenant(to, file, quiet)).toMatchObject({ wasHere: true });
  });

  it('leaves entries behind that nothing opens', async () => {
    const dead = await from.keys.wrap(tenant, 'dead', new Uint8Array(32));
    await from.table.put(tenant, { ...dead, wrapped: Uint8Array.from(dead.wrapped, (byte) => byte ^ 1) });
    expect(await exported()).toMatchObject({ keys: 3, noise: 1 });
    await importTenant(to, file, quiet);
    expect(await to.table.get(tenant, 'dead')).toBeUndefined();
  });

  it('is sealed to a key that goes by a file and is compared by its fingerprint', async () => {
    const key = { tenant, publicKey: await to.keys.receive(tenant) };
    const read = transferKeyFrom(transferKeyText(key));
    expect([read.tenant, Buffer.from(read.publicKey)]).toEqual([tenant, Buffer.from(key.publicKey)]);
    expect(fingerprintOf(read)).toMatch(/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/);
    for (const text of ['', '{}', transferKeyText(key).replace('transfer-key', 'move')]) {
      expect(() => transferKeyFrom(text)).toThrow('this is no transfer key');
    }
  });
});
