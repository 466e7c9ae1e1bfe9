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
    const half: Record<string, unknown> = {};
    const { exported, imported } = await hospital.move(from, to, async (file) => {
      half.heard = await importTenant(dying(sideOf(to), 30, false), file, () => undefined).catch(() => 'stopped');
      half.head = await sideOf(to).store.head(tenant);
      half.status = (await hospital.as(to, 'dpo').get('/v1/reports/summary')).status;
      const { failed } = await to.app.get(Sweeper).sweepAll();
      half.swept = failed.length;
      half.stays = await sideOf(to).store.head(tenant);
    });
    expect(half).toMatchObject({ heard: 'stopped', status: 503, stays: half.head });
    expect(half.head).toBeGreaterThan(0);
    expect(half.head).toBeLessThan(exported.head);
    expect(imported).toMatchObject({ head: exported.head, history: exported.history, keys: exported.keys });
    expect(await hospital.log(to)).toEqual(await hospital.log(from));
    expect(await hospital.told(to, exported.head)).toEqual(await hospital.told(from, exported.head));
    expect(await hospital.illnesses(to)).toEqual([]);
    expect(await hospital.goOn(to)).toEqual(goneOn);
    expect(await hospital.illnesses(to)).toEqual([]);
  }, 60_000);
});
