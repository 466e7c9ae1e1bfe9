import { randomUUID } from 'node:crypto';
import { TestApi } from '../support/api.js';
import { consenting, embeddingOf, enrolled, enrolmentOf, erasureOf, verify } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';
import { purposeId, thresholdCard } from '../support/policy.js';
import { faceOf } from '../support/templates.js';

const { dim } = thresholdCard.model;
const problem = (code: string) => `urn:lethe:problem:${code}`;
const withFirst = (value: number) => {
  const face = faceOf(1);
  new DataView(face.buffer).setFloat32(0, value, true);
  return face;
};

describe('templates over HTTP', () => {
  let api: TestApi;
  let here: Hospital;
  // One for all: every test brings patients of its own.
  beforeAll(async () => {
    api = await TestApi.start();
    here = await Hospital.open(api);
  });
  afterAll(() => api.close());

  const put = (id: string, body: object, by = here.backend) => by.put(`/v1/templates/${id}`).send(body);

  describe('enrolment', () => {
    it('shows all but the vector, and when the template must go', async () => {
      const { subjectId, consentId } = await consenting(here);
      const id = randomUUID();
      const sent = enrolmentOf(subjectId);
      const { body, text, headers } = await put(id, sent).expect(201);
      const { embedding, ...said } = sent;
      expect(body).toEqual({
        ...said,
        templateId: id,
        consentId,
        model: thresholdCard.model,
        state: 'active',
        enrolledAt: expect.any(String),
        dueAt: new Date(Date.parse(body.enrolledAt) + 180 * 86_400_000).toISOString(),
        dueRule: 'inactivity',
      });
      expect(text).not.toContain(embedding.data.slice(0, 40));
      expect(Number(headers['lethe-position'])).toBeGreaterThan(0);
      expect((await here.backend.get(`/v1/templates/${id}`).expect(200)).body).toEqual(body);
    });

    it('is answered the same when repeated, and refused with another vector', async () => {
      const { subjectId } = await consenting(here);
      const id = randomUUID();
      const first = await put(id, enrolmentOf(subjectId)).expect(201);
      const again = await put(id, enrolmentOf(subjectId)).expect(200);
      expect([again.body, again.get('lethe-position')]).toEqual([first.body, first.get('lethe-position')]);
      for (const other of [enrolmentOf(subjectId, faceOf(2)), enrolmentOf(subjectId, faceOf(1), { quality: 0.5 })]) {
        expect((await put(id, other).expect(409)).body.type).toBe(problem('templates.id-taken'));
      }
      const { subjectId: stranger } = await consenting(here);
      expect((await put(id, enrolmentOf(stranger)).expect(409)).body.type).toBe(problem('templates.id-taken'));
    });

    it('raced by itself is one', async () => {
      const { subjectId } = await consenting(here);
      const id = randomUUID();
      const answers = await Promise.all([1, 2, 3, 4].map(() => put(id, enrolmentOf(subjectId))));
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 200, 201]);
      expect((await verify(here, subjectId).expect(200)).body.decision).toBe('accept');
    });

    it('without consent is refused, with what would do instead', async () => {
      const subjectId = await here.register();
      const { body } = await put(randomUUID(), enrolmentOf(subjectId)).expect(403);
      expect(body).toMatchObject({
        type: problem('templates.not-permitted'),
        reason: 'no-consent',
        alternatives: ['id-card'],
      });
    });

    it('of what is unknown is missing', async () => {
      const { subjectId } = await consenting(here);
      const unknown = await put(randomUUID(), enrolmentOf(randomUUID())).expect(404);
      expect(unknown.body.type).toBe(problem('subjects.missing'));
      const elsewhere = await put(randomUUID(), enrolmentOf(subjectId, faceOf(1), { purposeId: 'other' })).expect(404);
      expect(elsewhere.body.type).toBe(problem('policy.purpose-missing'));
    });

    it.each<[string, object, string]>([
      ['of another dimension', { embedding: embeddingOf(faceOf(1, 128)) }, 'templates.bad-embedding'],
      ['that is zero', { embedding: embeddingOf(new Uint8Array(4 * dim)) }, 'templates.bad-embedding'],
      ['that is not a number', { embedding: embeddingOf(withFirst(Number.NaN)) }, 'templates.bad-embedding'],
      ['that is infinite', { embedding: embeddingOf(withFirst(Number.POSITIVE_INFINITY)) }, 'templates.bad-embedding'],
      [
        'that is not as long as it says',
        { embedding: { ...embeddingOf(faceOf(1)), dim: 511 } },
        'templates.bad-embedding',
      ],
      ['of another model', { model: { id: 'other', version: '1' } }, 'templates.wrong-model'],
      ['from the future', { capturedAt: '2030-01-01T00:00:00Z' }, 'http.invalid'],
      ['in a spelling of its own', { embedding: { ...embeddingOf(faceOf(1)), encoding: 'f64' } }, 'http.invalid'],
      ['in another mode', { mode: 'device' }, 'http.invalid'],
      ['with more than was asked for', { name: 'secret' }, 'http.invalid'],
    ])('of an embedding %s does not fit', async (_, change, code) => {
      const { subjectId } = await consenting(here);
      const { body } = await put(randomUUID(), enrolmentOf(subjectId, faceOf(1), change)).expect(422);
      expect(body.type).toBe(problem(code));
      expect(body.errors[0]).toEqual({ path: expect.any(String), code: expect.any(String) });
    });

    it('racing a withdrawal leaves no template that lives', async () => {
      const { subjectId, consentId } = await consenting(here);
      const ids = Array.from({ length: 8 }, () => randomUUID());
      const enrolments = ids.map((id) => put(id, enrolmentOf(subjectId)));
      const withdrawal = here.registrar.post(`/v1/consents/${consentId}/withdrawal`).send({ channel: 'counter' });
      const [withdrawn, ...answers] = await Promise.all([withdrawal, ...enrolments]);
      expect(withdrawn.status).toBe(200);
      const stored = ids.filter((_, n) => answers[n]?.status === 201);
      expect(new Set(withdrawn.body.erasures)).toEqual(new Set(stored));
      for (const id of stored) await erasureOf(here, id);
      expect(answers.every(({ status }) => [201, 403].includes(status))).toBe(true);
    });
  });

  describe('lists', () => {
    it('show the templates of a subject page by page, to a reader of its own write', async () => {
      const { subjectId } = await consenting(here);
      const ids = [randomUUID(), randomUUID(), randomUUID()];
      let position = '';
      for (const [n, id] of ids.entries()) {
        const answer = await put(id, enrolmentOf(subjectId, faceOf(n + 1))).expect(201);
        position = answer.get('lethe-position') ?? '';
      }
      const page = (cursor?: string) =>
        here.backend
          .get('/v1/templates')
          .query({ subjectId, limit: 2, ...(cursor && { cursor }) })
          .set('lethe-position', position)
          .expect(200);
      const { body: first } = await page();
      const { body: second } = await page(first.next);
      expect([...first.items, ...second.items].map(({ templateId }) => templateId)).toEqual(ids);
      expect(second.next).toBeNull();
    });

    it('show a patient what is theirs, and nobody else', async () => {
      const { subjectId, templateId } = await enrolled(here);
      const { subjectId: other } = await enrolled(here);
      const [patient, stranger] = [await here.patient(subjectId), await here.patient(other)];
      const list = async (by: typeof patient) => (await by.get('/v1/me/templates').expect(200)).body.items;
      expect(await list(patient)).toMatchObject([{ templateId, state: 'active' }]);
      expect(await list(stranger)).not.toMatchObject([{ templateId }]);
      await patient.get(`/v1/templates/${templateId}`).expect(403);
    });
  });

  describe('erasure', () => {
    it('follows a withdrawal, step by step, to a certificate', async () => {
      const { subjectId, consentId, templateId } = await enrolled(here);
      await here.backend.get(`/v1/erasures/${templateId}`).expect(404);
      const withdrawn = await here.registrar
        .post(`/v1/consents/${consentId}/withdrawal`)
        .send({ channel: 'counter' })
        .expect(200);
      expect(withdrawn.body.erasures).toEqual([templateId]);

      const erasure = await erasureOf(here, templateId);
      expect(erasure).toMatchObject({ templateId, trigger: 'consent-withdrawn' });
      expect(erasure.steps.map(({ step, store }: Record<string, string>) => `${step} ${store}`)).toEqual([
        'destroy-key key-table',
        'delete-ciphertext vault',
        'evict matchers',
        'scrub views',
        'probe key-table',
        'probe vault',
        'probe matchers',
        'probe views',
      ]);
      const shown = await here.backend.get(`/v1/templates/${templateId}`).expect(200);
      expect(shown.body).toMatchObject({ state: 'erased' });
      expect(shown.body.dueAt).toBeUndefined();
      const again = await put(templateId, enrolmentOf(subjectId)).expect(403);
      expect(again.body).toMatchObject({ reason: 'consent-withdrawn' });

      const { body: certificate } = await here.backend.get(`/v1/erasures/${templateId}/certificate`).expect(200);
      expect(certificate).toMatchObject({
        templateId,
        subjectId,
        purposeId,
        effectiveErasureAt: null,
        keyGeneration: 1,
      });
      const [, payload = ''] = certificate.jws.split('.');
      const { jws, ...claims } = certificate;
      expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toEqual(claims);
      expect(jws).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    });

    it('of one template leaves the others, and its id is never used again', async () => {
      const { subjectId, templateId } = await enrolled(here);
      const other = randomUUID();
      await put(other, enrolmentOf(subjectId, faceOf(2))).expect(201);
      const { body } = await here.registrar.delete(`/v1/templates/${templateId}`).expect(202);
      expect(body).toEqual({ templateId, erasure: `/v1/erasures/${templateId}` });
      await here.registrar.delete(`/v1/templates/${templateId}`).expect(202);
      expect((await erasureOf(here, templateId)).trigger).toBe('requested');
      expect((await verify(here, subjectId).expect(200)).body.decision).toBe('reject');
      expect((await verify(here, subjectId, faceOf(2)).expect(200)).body.decision).toBe('accept');
      const { body: taken } = await put(templateId, enrolmentOf(subjectId)).expect(409);
      expect(taken.type).toBe(problem('templates.erased'));
    });

    it('is certified to the patient it was of, and missing to others', async () => {
      const { subjectId, templateId } = await enrolled(here);
      const path = `/v1/me/erasures/${templateId}/certificate`;
      const patient = await here.patient(subjectId);
      await patient.get(path).expect(404);
      await here.registrar.delete(`/v1/templates/${templateId}`).expect(202);
      await erasureOf(here, templateId);
      expect((await patient.get(path).expect(200)).body.templateId).toBe(templateId);
      await (await here.patient(await here.register())).get(path).expect(404);
    });
  });

  it('are missing to another hospital', async () => {
    const { subjectId, templateId } = await enrolled(here);
    const there = await Hospital.open(api, 'there');
    const paths = [`templates/${templateId}`, `erasures/${templateId}`, `erasures/${templateId}/certificate`];
    for (const path of paths) await there.backend.get(`/v1/${path}`).expect(404);
    await there.registrar.delete(`/v1/templates/${templateId}`).expect(404);
    await put(templateId, enrolmentOf(subjectId), there.backend).expect(404);
    const { body } = await there.backend.get('/v1/templates').query({ subjectId }).expect(200);
    expect(body).toEqual({ items: [], next: null });
  });
});
