import { amidst } from '../support/amidst.js';
import { TestApi } from '../support/api.js';
import { family } from '../support/family.js';
import { findable, identified, identify, openIdentifying } from '../support/identification.js';
import { logOf } from '../support/log.js';
import { identifying, purposeId } from '../support/policy.js';
import { faceOf } from '../support/templates.js';

const total = 120;
const lanes = 16;
/** As with withdrawals: over servers, on two cores, some are told to use another method. */
const unavailableMax = family.name === 'embedded' ? 0 : total / 2;

describe('a suspension', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.start();
  });
  afterAll(() => api.close());

  it.each([10, 60])('amidst %s searches leaves none after it, answered or in the log', async (after) => {
    const tenant = `suspended-${after}`;
    const hospital = await openIdentifying(api, tenant, { purpose: identifying({ searchesPerMinuteMax: 60_000 }) });
    const face = faceOf(1);
    await findable(hospital, face);
    await identified(hospital, face);
    const { acted, seen, later } = await amidst(
      { total, lanes, after },
      () => identify(hospital, face),
      () => hospital.dpo.post(`/v1/purposes/${purposeId}/suspension`).send({}),
    );
    expect(acted?.status).toBe(200);
    expect(seen.filter(({ status }) => status === 503).length).toBeLessThanOrEqual(unavailableMax);
    expect(new Set(seen.map(({ status }) => status).filter((status) => status !== 503))).toEqual(new Set([200, 403]));
    expect(later.filter(({ status }) => status === 200)).toEqual([]);
    const log = await logOf(api, tenant);
    const suspendedAt = log.find(({ type }) => type === 'policy.purpose-suspended')?.sequence ?? 0;
    const searched = log.filter(({ type }) => type === 'identification.decided' || type === 'matching.decided');
    expect(searched.length).toBeGreaterThan(2);
    expect(searched.filter(({ sequence }) => sequence > suspendedAt)).toEqual([]);
  });
});
