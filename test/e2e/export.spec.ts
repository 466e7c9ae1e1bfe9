import { TestApi } from '../support/api.js';
import { enrolled } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';

describe("a patient's export", () => {
  let api: TestApi;
  let here: Hospital;
  beforeAll(async () => {
    api = await TestApi.start();
    here = await Hospital.open(api);
  });
  afterAll(() => api.close());

  it('has all that is kept of them, just now, and nothing that opens a face', async () => {
    const { subjectId, templateId } = await enrolled(here);
    const other = await enrolled(here);
    const patient = await here.patient(subjectId);
    const { body, text } = await patient.get('/v1/me/export').expect(200);
    expect(body).toMatchObject({
      subject: { subjectId, tenant: here.tenant, kind: 'patient' },
      identity: { externalRef: `MRN-${subjectId}` },
      consents: [{ subjectId, state: 'given' }],
      templates: [{ templateId, state: 'active' }],
      matches: [],
    });
    expect(text).not.toContain(other.subjectId);
    expect(text).not.toMatch(/sealed|keyId|embedding/);
  });

  it('is for patients only', async () => {
    await here.backend.get('/v1/me/export').expect(403);
    await api.anybody().get('/v1/me/export').expect(401);
  });
});
