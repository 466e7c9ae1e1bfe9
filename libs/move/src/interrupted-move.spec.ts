import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#lib/adapters-system';
import { KeysUnavailable, StoreUnavailable } from '#lib/ports';
import {
  dying,
  go,
  type OpenSide,
  openSide,
  opens,
  quiet,
  settle,
  stands,
  tenant,
  troubled,
} from '../../../test/support/move.js';
import { exportTenant } from './export-tenant.js';
import { importTenant } from './import-tenant.js';
import type { Side } from './side.js';

/** Waits for nothing. */
class HurriedClock extends SystemClock {
  override async sleep(): Promise<void> {}
}

describe('a move that is interrupted', () => {
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

  it.each([false, true])(
    'survives the end of the process at every write, its answer lost: %s',
    async (isLate) => {
      await exported();
      const whole = await stands(from);
      const keys = await opens(from);
      const survives = async (at: number | 'admit') => {
        const side = open();
        await exported(side);
        const dead = importTenant(dying(side, at, isLate), file, quiet);
        await expect(dead).rejects.toThrow('the process is gone');
        // What stands after a crash is a beginning: what comes first is never missing under what comes later.
        const { log, records } = await stands(side);
        expect(whole.log.slice(0, log.length)).toEqual(log);
        expect(log.length > 0 ? records : whole.records).toEqual(whole.records);
        const isInUse = await side.keys.generations(tenant).then(
          () => log.length,
          (error: unknown) => (error instanceof KeysUnavailable ? 'closed' : error),
        );
        expect([whole.log.length, 'closed']).toContain(isInUse);
        await importTenant(side, file, quiet);
        expect(await stands(side)).toEqual(whole);
        expect(await opens(side)).toEqual(keys);
        await opened.pop()?.close();
      };
      // Every write before the log and at its beginning, then some of it, then the last one.
      const deaths = [...Array.from({ length: 13 }, (_, n) => n), 25, 38, 'admit' as const];
      for (const at of deaths) await survives(at);
    },
    120_000,
  );

  it('is no matter where the stores do not answer now and then, and ends where they never do', async () => {
    const out = await exported();
    expect(await importTenant({ ...troubled(to), clock: new HurriedClock() }, file, quiet)).toMatchObject({
      history: out.history,
    });
    expect(await stands(to)).toEqual(await stands(from));
    const never = { ...open(), clock: new HurriedClock() };
    await exported(never);
    never.table.get = async () => {
      throw new StoreUnavailable('gone');
    };
    const ended = importTenant(never, file, quiet);
    await expect(ended).rejects.toMatchObject({
      name: 'MoveRefused',
      message: expect.stringMatching(/^a store does not/),
    });
  });

  it('goes on with a later export where an earlier one stopped, and keeps nothing that was erased meanwhile', async () => {
    await exported();
    await importTenant(dying(to, 30, false), file, quiet).catch(() => undefined);
    expect(await to.store.head(tenant)).toBeGreaterThan(0);
    await from.table.erase(tenant, ['template-2']);
    await from.vault.write(tenant, { collection: 'templates', puts: [], removes: ['template-2'] });
    await go(from.store, 41, 50);
    await exported();
    const head = await to.store.head(tenant);
    expect(await importTenant(to, file, quiet)).toMatchObject({ appended: 60 - head, keys: 2 });
    expect(await stands(to)).toEqual(await stands(from));
    expect((await opens(to)).keys).toEqual([1, 2, undefined]);
    expect(await to.table.count(tenant)).toBe(2);
  });
});
