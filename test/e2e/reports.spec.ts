import { TestApi } from '../support/api.js';
import { enrolled, erasureOf, verify } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';

describe('P11: a report at a position of the log', () => {
  let api: TestApi;
  let here: Hospital;
  let at: string;
  beforeAll(async () => {
    api = await TestApi.start();
    here = await Hospital.open(api);
    const { subjectId, consentId, templateId } = await enrolled(here);
    await verify(here, subjectId).expect(200);
    await here.registrar.post(`/v1/consents/${consentId}/withdrawal`).send({ channel: 'counter' }).expect(200);
    await erasureOf(here, templateId);
    at = (await here.dpo.get('/v1/reports/lifecycle').expect(200)).headers['lethe-position'] ?? '';
  });
  afterAll(() => api.close());

  /** Things happen that are not in it, an erasure of somebody else among them. */
  const goOn = async () => {
    const { subjectId, templateId } = await enrolled(here);
    await verify(here, subjectId).expect(200);
    await here.registrar.delete(`/v1/templates/${templateId}`).expect(202);
    await erasureOf(here, templateId);
    api.clock.advance(86_400_000);
  };

  it.each(['ndjson', 'csv', 'json'])(
    'has the same bytes and the same hash whenever it is read, as %s',
    async (format) => {
      const read = async () => {
        const { text, headers } = await here.dpo
          .get('/v1/reports/lifecycle')
          .query({ format, at })
          .buffer(true)
          .expect(200);
        return { text, digest: headers['repr-digest'], position: headers['lethe-position'] };
      };
      const before = await read();
      expect(before).toMatchObject({ digest: expect.stringMatching(/^sha-256=:/), position: at });
      expect(before.text).toContain('consent.withdrawn');
      await goOn();
      expect(await read()).toEqual(before);
      const { text } = await here.dpo.get('/v1/reports/lifecycle').query({ format }).buffer(true).expect(200);
      expect(text).not.toBe(before.text);
    },
  );

  it('has the same figures, but for what is overdue now', async () => {
    const read = async () => (await here.dpo.get('/v1/reports/summary').query({ at }).expect(200)).body;
    const { overdueNow: _before, ...before } = await read();
    expect(before.facts['consent.withdrawn']).toBe(1);
    await goOn();
    const { overdueNow: _after, ...after } = await read();
    expect(after).toEqual(before);
  });
});
