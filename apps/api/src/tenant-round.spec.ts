import { TenantId } from '#lib/core';
import { TenantRound } from './tenant-round.js';

const names = (count: number) => Array.from({ length: count }, (_, n) => TenantId.parse(`hospital-${1_000 + n}`));

describe('TenantRound', () => {
  let looks: TenantId[];
  const roundOver = (tenants: readonly TenantId[]) =>
    new TenantRound<number>(
      async () => tenants,
      async (tenant, before = 0) => {
        looks.push(tenant);
        return before + 1;
      },
    );
  beforeEach(() => {
    looks = [];
  });

  it('looks at every tenant each time, where they are a hundred at most', async () => {
    const asked = roundOver(names(100));
    expect([...(await asked.ask()).values()]).toEqual(Array(100).fill(1));
    expect([...(await asked.ask()).values()]).toEqual(Array(100).fill(2));
  });

  it('looks at no more than a hundred a time, and at every one in turn', async () => {
    const asked = roundOver(names(250));
    const seen: number[] = [];
    for (let n = 0; n < 5; n++) seen.push((await asked.ask()).size);
    expect(seen).toEqual([100, 200, 250, 250, 250]);
    expect(looks).toHaveLength(500);
    expect([...(await asked.ask()).values()].every((times) => times >= 2)).toBe(true);
  });

  it('looks once for all who ask meanwhile', async () => {
    const asked = roundOver(names(3));
    await Promise.all([asked.ask(), asked.ask(), asked.ask()]);
    expect(looks).toHaveLength(3);
  });

  it('fails with the look that fails, and looks again when it is asked again', async () => {
    let isBroken = true;
    const asked = new TenantRound<number>(
      async () => names(1),
      async () => {
        if (isBroken) throw Object.assign(new Error('broken'), { code: 'BROKEN' });
        return 1;
      },
    );
    await expect(asked.ask()).rejects.toMatchObject({ code: 'BROKEN' });
    isBroken = false;
    expect([...(await asked.ask()).values()]).toEqual([1]);
  });
});
