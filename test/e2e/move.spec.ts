import { importTenant } from '#lib/move';
import { Sweeper } from '#lib/retention';
import { TestApi } from '../support/api.js';
import { dying, tenant } from '../support/move.js';
import { goneOn, MovingHospital, sideOf } from '../support/moved.js';

describe('a hospital that moves', () => {
  let from: TestApi;
  let to: TestApi;
  let hospital: MovingHospital;

  beforeAll(async () => {
    from = await TestApi.start();
    to = await TestApi.start();
    hospital = await MovingHospital.found(from);
  });
  afterAll(async () => {
    for (const api of [from, to]) await api?.close();
  });

  it('is let in by nobody, and written by nobody, until all of it is there; then goes on as if nothing had been', async () => {
    const heads: number[] = [];
    const told: unknown[] = [];
    const { exported, imported } = await hospital.move(from, to, async (file) => {
      // Each process comes a little further than the last one, and then dies.
      for (const writes of [1, 4, 12, 16, 19]) {
        await importTenant(dying(sideOf(to), writes, writes % 2 === 0), file, () => undefined).catch(() => undefined);
        heads.push(await sideOf(to).store.head(tenant));
        told.push((await hospital.as(to, 'dpo').get('/v1/reports/summary')).status);
        await to.app.get(Sweeper).sweepAll();
      }
    });
    expect(heads).toEqual(heads.toSorted((a, b) => a - b));
    expect(told).toEqual(heads.map((head) => (head === 0 ? 401 : 503)));
    expect([heads[0], told.at(-1)]).toEqual([0, 503]);
    expect(heads.at(-1)).toBeLessThan(exported.head);
    expect(imported.appended).toBe(exported.head - (heads.at(-1) ?? 0));
    expect(imported).toMatchObject({ head: exported.head, history: exported.history, keys: exported.keys });
    expect(await hospital.log(to)).toEqual(await hospital.log(from));
    expect(await hospital.told(to, exported.head)).toEqual(await hospital.told(from, exported.head));
    expect(await hospital.illnesses(to)).toEqual([]);
    expect(await hospital.goOn(to)).toEqual(goneOn);
    expect(await hospital.illnesses(to)).toEqual([]);
  }, 60_000);
});
