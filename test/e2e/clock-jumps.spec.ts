import { randomUUID } from 'node:crypto';
import { TenantId } from '#lib/core';
import { Sweeper } from '#lib/retention';
import { TestApi } from '../support/api.js';
import { enrolled, enrolmentOf, erasureOf, verify } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';
import { auditOf } from '../support/log.js';

const dayMs = 86_400_000;
const tenant = TenantId.parse('here');

describe('a clock that jumps', () => {
  let api: TestApi;
  let here: Hospital;
  beforeEach(async () => {
    api = await TestApi.start({ sweepEveryMs: 1_000 * dayMs });
    here = await Hospital.open(api);
  });
  afterEach(() => api.close());
  const decide = async (subjectId: string) => {
    const { body } = await verify(here, subjectId);
    return body.decision ?? body.reason ?? body.type;
  };

  it('backwards takes nothing back: what was decided stands, and the log goes on in its order', async () => {
    const before = await enrolled(here);
    const given = await enrolled(here);
    await here.registrar.post(`/v1/consents/${before.consentId}/withdrawal`).send({ channel: 'counter' }).expect(200);
    await erasureOf(here, before.templateId);

    api.clock.advance(-2 * 3_600_000);
    expect(await decide(before.subjectId)).toBe('consent-withdrawn');
    expect(await decide(given.subjectId)).toBe('accept');
    const second = randomUUID();
    const capturedAt = api.clock.now().toISOString();
    await here.backend
      .put(`/v1/templates/${second}`)
      .send(enrolmentOf(given.subjectId, undefined, { capturedAt }))
      .expect(201);
    const later = await enrolled(here);
    expect(await decide(later.subjectId)).toBe('accept');
    await here.registrar.post(`/v1/consents/${given.consentId}/withdrawal`).send({ channel: 'counter' }).expect(200);
    expect(await decide(given.subjectId)).toBe('consent-withdrawn');
    for (const templateId of [given.templateId, second]) await erasureOf(here, templateId);
    expect(await api.app.get(Sweeper).sweep(tenant)).toMatchObject({ failed: [] });
    expect(await auditOf(api, 'here')).toMatchObject({ violations: [], enrolments: 4, accepts: 2 });
  });

  it('forwards ends at once what has an end; and backwards again brings none of it back', async () => {
    const { subjectId, templateId } = await enrolled(here);
    const other = await enrolled(here);
    expect(await decide(subjectId)).toBe('accept');
    // Past the end of the consent, and no sweep has seen it yet.
    api.clock.advance(340 * dayMs);
    expect(await decide(subjectId)).not.toBe('accept');
    expect(await api.app.get(Sweeper).sweep(tenant)).toMatchObject({ failed: [] });
    await erasureOf(here, templateId);

    api.clock.advance(-340 * dayMs);
    for (const patient of [subjectId, other.subjectId]) expect(await decide(patient)).not.toBe('accept');
    const { body } = await here.backend.get(`/v1/templates/${templateId}`).expect(200);
    expect(body.state).toBe('erased');
    const fresh = await enrolled(here);
    expect(await decide(fresh.subjectId)).toBe('accept');
    expect(await auditOf(api, 'here')).toMatchObject({ violations: [] });
  });

  it('while someone is compared lets nobody wait, and while someone is enrolled enrols whole or not at all', async () => {
    const { subjectId } = await enrolled(here);
    const templateId = randomUUID();
    const compared = Array.from({ length: 20 }, () => verify(here, subjectId));
    const enrolling = here.backend.put(`/v1/templates/${templateId}`).send(enrolmentOf(subjectId));
    const jumping = (async () => {
      for (let n = 0; n < 10; n++) {
        api.clock.advance(n % 2 === 0 ? 45_000 : -45_000);
        await new Promise(setImmediate);
      }
    })();
    const answers = await Promise.all(compared);
    const { status } = await enrolling;
    await jumping;
    expect(new Set(answers.map((answer) => answer.body.decision))).toEqual(new Set(['accept']));
    expect([201, 503]).toContain(status);
    const { status: shown } = await here.backend.get(`/v1/templates/${templateId}`);
    expect(shown).toBe(status === 201 ? 200 : 404);
    expect((await here.backend.put(`/v1/templates/${templateId}`).send(enrolmentOf(subjectId))).status).toBeLessThan(
      202,
    );
    expect(await auditOf(api, 'here')).toMatchObject({ violations: [] });
  });
});
