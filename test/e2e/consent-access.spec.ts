import { randomUUID } from 'node:crypto';
import { compactVerify, createLocalJWKSet } from 'jose';
import type request from 'supertest';
import { TestApi } from '../support/api.js';
import { agreement, consentId, otherConsentId, refusalId, subjectId } from '../support/consent.js';
import { Hospital } from '../support/hospital.js';
import { checkpointId, purposeId } from '../support/policy.js';

const consents = `/v1/consents/${consentId}`;
const others = `/v1/consents/${otherConsentId}`;
const refusals = `/v1/consent-refusals/${refusalId}`;
const position = 'lethe-position';

const problem = (code: string) => ({ type: `urn:lethe:problem:${code}` });
const saidNo = { subjectId, purposeId, checkpointId, channel: 'kiosk-1' };

describe('consent, to those it concerns', () => {
  let api: TestApi;
  let hospital: Hospital;
  let registrar: request.Agent;
  let agreed: Awaited<ReturnType<Hospital['agreementOf']>>;

  beforeEach(async () => {
    api = await TestApi.start();
    hospital = await Hospital.open(api);
    ({ registrar } = hospital);
    await hospital.register(subjectId);
    agreed = await hospital.agreementOf(subjectId);
  });
  afterEach(() => api.close());

  const withdraw = (url = consents, caller = registrar, body: object = { channel: 'counter-3' }) =>
    caller.post(`${url}/withdrawal`).send(body);

  it('has a receipt that anyone can check with the public key alone', async () => {
    await registrar.put(consents).send(agreed).expect(201);
    const { body } = await registrar.get(`${consents}/receipt`).expect(200);
    const { jws, ...receipt } = body;
    const { body: keys } = await registrar.get('/v1/signing-keys').expect(200);
    const verified = await compactVerify(jws, createLocalJWKSet(keys));
    expect(JSON.parse(new TextDecoder().decode(verified.payload))).toEqual(receipt);
    expect(receipt).toMatchObject({
      record: { record_id: consentId, pii_principal_id: subjectId, events: [{ event_state: 'given' }] },
    });
    expect(JSON.stringify(receipt)).not.toContain(agreement.act.evidence);
    expect((await registrar.get(`${consents}/receipt`).expect(200)).body).toEqual(body);

    const [header, payload = '', signature] = jws.split('.');
    const forged = Buffer.from(payload, 'base64url').toString().replace('"given"', '"renewed"');
    const tampered = [header, Buffer.from(forged).toString('base64url'), signature].join('.');
    await expect(compactVerify(tampered, createLocalJWKSet(keys))).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    });
    await registrar.get(`${others}/receipt`).expect(404);
  });

  it('is refused at no cost, and answered with other ways', async () => {
    const refused = await registrar.put(refusals).send(saidNo).expect(201);
    expect(refused.body).toEqual({ refusalId, alternatives: ['id-card'] });
    const again = await registrar.put(refusals).send(saidNo).expect(200);
    expect([again.body, again.get(position)]).toEqual([refused.body, refused.get(position)]);
    const moved = await registrar
      .put(refusals)
      .send({ ...saidNo, channel: 'kiosk-2' })
      .expect(409);
    expect(moved.body).toMatchObject(problem('consent.id-taken'));
    await registrar.put(`/v1/consents/${refusalId}`).send(agreed).expect(409);
    await registrar.get(`/v1/consents/${refusalId}`).expect(404);
    await withdraw(`/v1/consents/${refusalId}`).expect(404);

    await registrar.put(consents).send(agreed).expect(201);
    const late = await registrar.put(`/v1/consent-refusals/${randomUUID()}`).send(saidNo).expect(409);
    expect(late.body).toMatchObject(problem('consent.still-given'));
  });

  it('refuses refusals of what is not there, and bodies that do not fit', async () => {
    for (const [change, code] of [
      [{ subjectId: randomUUID() }, 'subjects.missing'],
      [{ purposeId: 'pharmacy' }, 'policy.purpose-missing'],
      [{ checkpointId: 'pharmacy-desk' }, 'policy.checkpoint-missing'],
    ] as const) {
      const { body } = await registrar
        .put(refusals)
        .send({ ...saidNo, ...change })
        .expect(404);
      expect(body).toMatchObject(problem(code));
    }
    for (const field of Object.keys(saidNo)) {
      await registrar
        .put(refusals)
        .send({ ...saidNo, [field]: undefined })
        .expect(422);
    }
    await registrar
      .put(refusals)
      .send({ ...saidNo, extra: 1 })
      .expect(422);
    await registrar.put('/v1/consent-refusals/no').send(saidNo).expect(422);
  });

  it('is seen, kept and withdrawn by the patient, and nobody else’s is', async () => {
    const given = await registrar.put(consents).send(agreed).expect(201);
    const other = await hospital.register();
    const theirs = await registrar.put(others).send(await hospital.agreementOf(other));
    expect(theirs.status).toBe(201);

    const patient = await hospital.patient(subjectId);
    const listed = await patient
      .get('/v1/me/consents')
      .set(position, theirs.get(position) ?? '')
      .expect(200);
    expect(listed.body).toEqual({ items: [given.body], next: null });
    await patient.get('/v1/me/consents').query({ subjectId: other }).expect(422);
    expect((await patient.get(`/v1/me/receipts/${consentId}`).expect(200)).body).toEqual(
      (await registrar.get(`${consents}/receipt`).expect(200)).body,
    );
    await patient.get(`/v1/me/receipts/${otherConsentId}`).expect(404);
    await withdraw(`/v1/me/consents/${otherConsentId}`, patient).expect(404);
    await withdraw(`/v1/me/consents/${consentId}`, patient, {}).expect(422);

    const withdrawn = await withdraw(`/v1/me/consents/${consentId}`, patient, { channel: 'self-service' }).expect(200);
    expect((await withdraw().expect(200)).body).toEqual(withdrawn.body);
    expect((await registrar.get(others).expect(200)).body).toMatchObject({ state: 'given' });
    for (const url of [consents, `${consents}/receipt`, '/v1/consents']) await patient.get(url).expect(403);
    for (const url of ['/v1/me/consents', `/v1/me/receipts/${consentId}`]) await registrar.get(url).expect(403);
    await withdraw(`/v1/me/consents/${consentId}`, registrar).expect(403);
  });

  it('names what its withdrawal erases, and the same when asked again after that', async () => {
    await registrar.put(consents).send(agreed).expect(201);
    const templateId = randomUUID();
    const data = Buffer.from(Float32Array.from({ length: 512 }, (_, n) => Math.sin(n + 1)).buffer).toString('base64');
    const template = {
      subjectId,
      purposeId,
      model: { id: 'synthetic', version: '1' },
      embedding: { encoding: 'f32le-base64', dim: 512, data },
      capturedAt: api.clock.now().toISOString(),
    };
    await hospital.backend.put(`/v1/templates/${templateId}`).send(template).expect(201);
    const first = await withdraw().expect(200);
    expect(first.body.erasures).toEqual([templateId]);
    expect((await withdraw().expect(200)).body).toEqual(first.body);

    const isErased = async () => (await hospital.backend.get(`/v1/erasures/${templateId}`)).body.state === 'erased';
    for (let n = 0; n < 200 && !(await isErased()); n++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await isErased()).toBe(true);
    expect((await withdraw().expect(200)).body).toEqual(first.body);
  });

  it('is written by backend and registrar alone', async () => {
    await registrar.put(consents).send(agreed).expect(201);
    for (const role of ['device', 'dpo', 'auditor'] as const) {
      const caller = await api.caller('here', role);
      await caller.put(others).send(agreed).expect(403);
      await caller.put(refusals).send(saidNo).expect(403);
      await withdraw(consents, caller).expect(403);
    }
    const device = await api.caller('here', 'device');
    for (const caller of [device, api.admin()]) {
      for (const url of [consents, `${consents}/receipt`, `/v1/consents?subjectId=${subjectId}`]) {
        await caller.get(url).expect(403);
      }
    }
    await api.anybody().get(consents).expect(401);
    await withdraw(consents, api.anybody()).expect(401);
  });

  it('is missing to another hospital', async () => {
    await registrar.put(consents).send(agreed).expect(201);
    const { registrar: stranger, backend } = await Hospital.open(api, 'there');
    for (const url of [consents, `${consents}/receipt`]) await backend.get(url).expect(404);
    await withdraw(consents, stranger).expect(404);
    await stranger.put(consents).send(agreed).expect(404);
    await stranger.put(refusals).send(saidNo).expect(404);
    const list = await backend.get('/v1/consents').query({ subjectId }).expect(200);
    expect(list.body).toEqual({ items: [], next: null });
  });
});
