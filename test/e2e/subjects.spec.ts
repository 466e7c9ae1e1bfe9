import type request from 'supertest';
import { TenantId } from '#lib/core';
import { EventStore } from '#lib/ports';
import { TestApi } from '../support/api.js';

const subjectId = '6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02';
const otherId = '0d5c2a9e-6b1f-4c7e-8f57-2f6f0f5f9a11';
const path = `/v1/subjects/${subjectId}`;
const registration = { externalRef: 'MRN-0042', birthDate: '1980-02-29', kind: 'patient' };
const problem = (code: string) => expect.objectContaining({ type: `urn:lethe:problem:${code}` });

describe('subjects over HTTP', () => {
  let api: TestApi;
  let registrar: request.Agent;
  beforeEach(async () => {
    api = await TestApi.start();
    registrar = await api.caller('here');
  });
  afterEach(() => api.close());

  const register = (body: object = registration, by = registrar) => by.put(path).send(body);
  const lookUp = (externalRef: string, by = registrar) => by.post('/v1/subjects/lookup').send({ externalRef });
  /** The worker erases beside the API; that it has come to an end only the log says. */
  const erased = async () => {
    const store = api.app.get(EventStore);
    for (let tries = 0; tries < 200; tries++) {
      const facts = await store.read(TenantId.parse('here'), `subject-${subjectId}`);
      if (facts.at(-1)?.type === 'subject.erased') return;
      await api.clock.sleep(25);
    }
    throw new Error('the subject is not erased after 5 s');
  };

  describe('registration', () => {
    it('shows a pseudonym and nothing that identifies anyone', async () => {
      const { body, headers } = await register().expect(201);
      expect(body).toEqual({ subjectId, kind: 'patient', registeredAt: expect.any(String) });
      expect(Number(headers['lethe-position'])).toBeGreaterThan(0);
      await registrar.get(path).expect(200, body);
    });

    it('is answered the same when repeated, in whatever spelling', async () => {
      const { body, headers } = await register().expect(201);
      const again = await register({ ...registration, externalRef: ' MRN-0042 ' }).expect(200, body);
      expect(again.get('lethe-position')).toBe(headers['lethe-position']);
    });

    it('raced by itself is one', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => register()));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    });

    it.each([
      ['another reference', { ...registration, externalRef: 'MRN-0043' }],
      ['another birth date', { ...registration, birthDate: '1980-03-01' }],
      ['no birth date', { externalRef: 'MRN-0042', kind: 'patient' }],
    ])('is refused under the same id with %s', async (_, body) => {
      await register().expect(201);
      const answer = await register(body);
      expect([answer.status, answer.body]).toEqual([409, problem('subjects.id-taken')]);
      expect((await lookUp('MRN-0042').expect(200)).body).toEqual({ subjectId });
    });

    it('is refused under the reference of another subject, and gives no hint whose', async () => {
      await register().expect(201);
      const answer = await registrar.put(`/v1/subjects/${otherId}`).send(registration);
      expect([answer.status, answer.body]).toEqual([409, problem('subjects.reference-taken')]);
      expect(JSON.stringify(answer.body)).not.toContain(subjectId);
      await registrar.get(`/v1/subjects/${otherId}`).expect(404);
    });

    it.each([
      ['without a reference', { kind: 'patient' }],
      ['with an empty reference', { externalRef: ' ', kind: 'patient' }],
      ['with a reference of 201 characters', { externalRef: 'x'.repeat(201), kind: 'patient' }],
      ['with a day that never was', { ...registration, birthDate: '1981-02-29' }],
      ['with another kind', { ...registration, kind: 'visitor' }],
      ['with more than was asked for', { ...registration, name: 'secret' }],
    ])('%s does not fit', async (_, body) => {
      const answer = await register(body);
      expect([answer.status, answer.body]).toEqual([422, problem('http.invalid')]);
    });

    it('of someone born later is refused', async () => {
      const answer = await register({ ...registration, birthDate: '2126-01-01' });
      expect([answer.status, answer.body]).toEqual([422, problem('subjects.born-later')]);
    });

    it('is for backend and registrar', async () => {
      await register(registration, await api.caller('here', 'device')).expect(403);
      await register(registration, await api.caller('here', 'dpo')).expect(403);
      await register(registration, await api.caller('here', 'backend')).expect(201);
    });
  });

  describe('lookup', () => {
    it('finds by reference', async () => {
      await register().expect(201);
      await lookUp('MRN-0042').expect(200, { subjectId });
      const { status, body } = await lookUp('MRN-0043');
      expect([status, body]).toEqual([404, problem('subjects.missing')]);
    });

    it('takes a reference and nothing else', async () => {
      await registrar.post('/v1/subjects/lookup').send({}).expect(422);
      await registrar.post('/v1/subjects/lookup').send({ externalRef: 'MRN-0042', kind: 'patient' }).expect(422);
    });
  });

  it('are missing to another tenant, which may have the same id and reference', async () => {
    await register().expect(201);
    const there = await api.caller('there');
    await there.get(path).expect(404);
    await there.delete(path).expect(404);
    await lookUp('MRN-0042', there).expect(404);
    await register(registration, there).expect(201);
    await there.delete(path).expect(202);
    await registrar.get(path).expect(200);
  });

  describe('erasure', () => {
    it('makes the subject missing at once, and is answered the same again', async () => {
      await register().expect(201);
      const { body } = await registrar.delete(path).expect(202);
      expect(body).toEqual({ subjectId, state: 'erasing' });
      await registrar.delete(path).expect(202, body);
      await registrar.get(path).expect(404);
      await lookUp('MRN-0042').expect(404);
    });

    it('ends without a trace of the reference, which is then free again, and the id never', async () => {
      await register().expect(201);
      await registrar.delete(path).expect(202);
      await erased();
      await registrar.delete(path).expect(202, { subjectId, state: 'erasing' });
      const again = await register();
      expect([again.status, again.body]).toEqual([409, problem('subjects.id-taken')]);
      await registrar.put(`/v1/subjects/${otherId}`).send(registration).expect(201);
      await lookUp('MRN-0042').expect(200, { subjectId: otherId });
    });

    it('is refused for a subject nobody knows', async () => {
      const { status, body } = await registrar.delete(path);
      expect([status, body]).toEqual([404, problem('subjects.missing')]);
    });
  });

  it('see themselves, until they are erased', async () => {
    const patient = await api.patient('here', subjectId);
    const { body } = await patient.get('/v1/me').expect(200);
    expect(body).toEqual({ subjectId, kind: 'patient', registeredAt: expect.any(String), tenant: 'here' });
    await registrar.get('/v1/me').expect(403);
    await registrar.delete(path).expect(202);
    const { status } = await patient.get('/v1/me');
    expect([401, 404]).toContain(status);
  });

  it('have signing keys to check what they are handed', async () => {
    const patient = await api.patient('here', subjectId);
    const { body } = await patient.get('/v1/signing-keys').expect(200);
    const key = {
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      use: 'sig',
      kid: expect.any(String),
      x: expect.any(String),
    };
    expect(body).toEqual({ keys: [key] });
    await registrar.get('/v1/signing-keys').expect(200, body);
    const there = await (await api.caller('there')).get('/v1/signing-keys').expect(200);
    expect(there.body).not.toEqual(body);
  });
});
