import { SystemClock } from '#lib/adapters-system';
import { KeysUnavailable, StoreUnavailable } from '#lib/ports';
import { dying, go, opens, quiet, stands, tenant, troubled } from '../../../test/support/move.js';
import { TwoSides } from '../../../test/support/two-sides.js';
import { importTenant } from './import-tenant.js';

/** Waits for nothing. */
class HurriedClock extends SystemClock {
  override async sleep(): Promise<void> {}
}

describe('a move that is interrupted', () => {
  let sides: TwoSides;
  beforeEach(async () => {
    sides = await TwoSides.open();
  });
  afterEach(() => sides.close());

  it.each([false, true])(
    'survives the end of the process at every write, its answer lost: %s',
    async (isLate) => {
      await sides.exported();
      const whole = await stands(sides.from);
      const keys = await opens(sides.from);
      const survives = async (at: number | 'admit') => {
        const side = sides.open();
        await sides.exported(side);
        const dead = importTenant(dying(side, at, isLate), sides.file, quiet);
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
        await importTenant(side, sides.file, quiet);
        expect(await stands(side)).toEqual(whole);
        expect(await opens(side)).toEqual(keys);
        await sides.closeLast();
      };
      // Every write before the log and at its beginning, then some of it, then the last one.
      const deaths = [...Array.from({ length: 13 }, (_, n) => n), 25, 38, 'admit' as const];
      for (const at of deaths) await survives(at);
    },
    120_000,
  );

  it('is no matter where the stores do not answer now and then, and ends where they never do', async () => {
    const out = await sides.exported();
    expect(await importTenant({ ...troubled(sides.to), clock: new HurriedClock() }, sides.file, quiet)).toMatchObject({
      history: out.history,
    });
    expect(await stands(sides.to)).toEqual(await stands(sides.from));
    const never = { ...sides.open(), clock: new HurriedClock() };
    await sides.exported(never);
    never.table.get = async () => {
      throw new StoreUnavailable('gone');
    };
    const ended = importTenant(never, sides.file, quiet);
    await expect(ended).rejects.toMatchObject({
      name: 'MoveRefused',
      message: expect.stringMatching(/^a store does not/),
    });
  });

  it('goes on with a later export where an earlier one stopped, and keeps nothing that was erased meanwhile', async () => {
    await sides.exported();
    await importTenant(dying(sides.to, 30, false), sides.file, quiet).catch(() => undefined);
    expect(await sides.to.store.head(tenant)).toBeGreaterThan(0);
    await sides.from.table.erase(tenant, ['template-2']);
    await sides.from.vault.write(tenant, { collection: 'templates', puts: [], removes: ['template-2'] });
    await go(sides.from.store, 41, 50);
    await sides.exported();
    const head = await sides.to.store.head(tenant);
    expect(await importTenant(sides.to, sides.file, quiet)).toMatchObject({ appended: 60 - head, keys: 2 });
    expect(await stands(sides.to)).toEqual(await stands(sides.from));
    expect((await opens(sides.to)).keys).toEqual([1, 2, undefined]);
    expect(await sides.to.table.count(tenant)).toBe(2);
  });
});
