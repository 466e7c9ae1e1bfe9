import { randomInt, randomUUID } from 'node:crypto';
import type request from 'supertest';
import { hospital as terms } from '../support/api.js';
import { agreement } from '../support/consent.js';
import { consenting, embeddingOf, enrolled, enrolmentOf } from '../support/enrolment.js';
import type { Hospital } from '../support/hospital.js';
import { identified, soughtOf } from '../support/identification.js';
import {
  assessment,
  checkpoint,
  checkpointId,
  identifying,
  notice,
  purpose,
  purposeId,
  thresholdCard,
  thresholdCardId,
} from '../support/policy.js';
import { activatable, identifyingPurpose } from '../support/purposes.js';
import { enrolment, faceOf } from '../support/templates.js';

/** One write that nobody has sent yet, on grounds of its own. */
export interface Write {
  readonly by: request.Agent;
  readonly path: string;
  readonly body?: object;
  /** As `body`, and not the same. */
  readonly other?: object;
  /** The tenant in whose log it is recorded. */
  readonly tenant?: string;
  /** What stands in each of its facts and in no other of their types. */
  readonly about: string;
  /** What it records, each once. */
  readonly facts: readonly string[];
  /** How it is answered: the first time, and when it comes again. */
  readonly answers: readonly [number, number];
  /** Answers that are secret come once. */
  readonly isToldOnce?: boolean;
}

/** Of somebody whom nobody has seen. */
const someFace = () => faceOf(randomInt(2 ** 31));

const slug = () => `s-${randomUUID()}`;

async function drafted({ dpo }: Hospital) {
  const id = slug();
  await dpo.put(`/v1/purposes/${id}`).send(purpose).expect(201);
  await dpo
    .put(`/v1/assessments/${id}`)
    .send({ ...assessment, purposes: [id] })
    .expect(201);
  return id;
}

const withdrawal = { body: { channel: 'counter' }, other: { channel: 'online' }, answers: [200, 200] as const };

/** Every write of the API, by the name of its route. */
export const writes: Readonly<Record<string, (here: Hospital) => Promise<Write>>> = {
  'put /v1/tenants/{tenant}': async ({ api }) => {
    const tenant = slug().slice(0, 20);
    const facts = ['access.tenant-registered'];
    const other = { ...terms, name: 'Second Hospital' };
    const path = `/v1/tenants/${tenant}`;
    return { by: api.admin(), path, body: terms, other, tenant, about: tenant, facts, answers: [201, 200] };
  },
  'post /v1/tenants/{tenant}/keys': async ({ api, tenant }) => {
    const label = slug();
    const path = `/v1/tenants/${tenant}/keys`;
    const body = { role: 'device', label };
    const other = { role: 'auditor', label };
    return { by: api.admin(), path, body, other, about: label, facts: ['access.key-issued'], answers: [201, 201] };
  },
  'delete /v1/tenants/{tenant}/keys/{keyId}': async ({ api, tenant }) => {
    const { keyId } = await api.issue(tenant, 'device');
    const path = `/v1/tenants/${tenant}/keys/${keyId}`;
    return { by: api.admin(), path, about: keyId, facts: ['access.key-revoked'], answers: [204, 204] };
  },
  'post /v1/subjects/{subjectId}/links': async (here) => {
    const about = await here.register();
    const path = `/v1/subjects/${about}/links`;
    const [body, other] = [{ ttlMinutes: 10 }, { ttlMinutes: 20 }];
    return { by: here.registrar, path, body, other, about, facts: ['access.link-issued'], answers: [201, 201] };
  },
  'post /v1/me/session': async (here) => {
    const about = await here.register();
    const link = await here.registrar.post(`/v1/subjects/${about}/links`).send({ ttlMinutes: 10 }).expect(201);
    const body = { code: link.body.code };
    const [path, facts] = ['/v1/me/session', ['access.link-used']];
    return { by: here.api.anybody(), path, body, about, facts, answers: [201, 401], isToldOnce: true };
  },
  'put /v1/notices/{noticeId}': async ({ dpo }) => {
    const about = slug();
    const other = { ...notice, body: 'another text' };
    const facts = ['policy.notice-published'];
    return { by: dpo, path: `/v1/notices/${about}`, body: notice, other, about, facts, answers: [201, 200] };
  },
  'put /v1/threshold-cards/{thresholdCardId}': async ({ dpo }) => {
    const about = slug();
    const other = { ...thresholdCard, accept: 0.6 };
    const [path, facts] = [`/v1/threshold-cards/${about}`, ['policy.threshold-card-published']];
    return { by: dpo, path, body: thresholdCard, other, about, facts, answers: [201, 200] };
  },
  'put /v1/purposes/{purposeId}': async ({ dpo }) => {
    const about = slug();
    const other = { ...purpose, thresholdCardId, consentMaxDays: 30 };
    const facts = ['policy.purpose-defined'];
    return { by: dpo, path: `/v1/purposes/${about}`, body: purpose, other, about, facts, answers: [201, 200] };
  },
  'post /v1/purposes/{purposeId}/activation': async (here) => {
    const about = await activatable(here);
    const path = `/v1/purposes/${about}/activation`;
    return { by: here.dpo, path, body: {}, about, facts: ['policy.purpose-activated'], answers: [200, 200] };
  },
  'post /v1/purposes/{purposeId}/suspension': async (here) => {
    const about = await activatable(here);
    await here.dpo.post(`/v1/purposes/${about}/activation`).send({}).expect(200);
    const path = `/v1/purposes/${about}/suspension`;
    return { by: here.dpo, path, body: {}, about, facts: ['policy.purpose-suspended'], answers: [200, 200] };
  },
  'put /v1/purposes/{purposeId}/rotation': async ({ dpo }) => {
    const about = slug();
    await dpo
      .put(`/v1/purposes/${about}`)
      .send({ ...purpose, ...identifying() })
      .expect(201);
    const [body, other] = [{ version: 2 }, { version: 4 }];
    const [path, facts] = [`/v1/purposes/${about}/rotation`, ['policy.rotation-renewed']];
    return { by: dpo, path, body, other, about, facts, answers: [200, 200] };
  },
  'put /v1/purposes/{purposeId}/threshold-card': async (here) => {
    const about = await activatable(here);
    const [thresholdCardId, another] = [slug(), slug()];
    for (const id of [thresholdCardId, another]) {
      await here.dpo.put(`/v1/threshold-cards/${id}`).send(thresholdCard).expect(201);
    }
    const [path, facts] = [`/v1/purposes/${about}/threshold-card`, ['policy.threshold-card-changed']];
    const [body, other] = [{ thresholdCardId }, { thresholdCardId: another }];
    return { by: here.dpo, path, body, other, about, facts, answers: [200, 200] };
  },
  'put /v1/assessments/{assessmentId}': async ({ dpo }) => {
    const about = slug();
    const other = { ...assessment, risks: 'Others.' };
    const [path, facts] = [`/v1/assessments/${about}`, ['policy.assessment-drafted']];
    return { by: dpo, path, body: assessment, other, about, facts, answers: [201, 200] };
  },
  'post /v1/assessments/{assessmentId}/approval': async (here) => {
    const about = await drafted(here);
    const path = `/v1/assessments/${about}/approval`;
    const facts = ['policy.assessment-approved', 'policy.purpose-assessed'];
    return { by: here.secondDpo, path, body: {}, about, facts, answers: [200, 200] };
  },
  'put /v1/checkpoints/{checkpointId}': async ({ dpo }) => {
    const about = slug();
    const other = { ...checkpoint, title: 'Inpatient desk' };
    const facts = ['policy.checkpoint-id-claimed', 'policy.checkpoint-opened'];
    return { by: dpo, path: `/v1/checkpoints/${about}`, body: checkpoint, other, about, facts, answers: [201, 200] };
  },
  'put /v1/subjects/{subjectId}': async ({ registrar }) => {
    const about = randomUUID();
    const [body, other] = ['A', 'B'].map((letter) => ({ externalRef: `MRN-${letter}-${about}`, kind: 'patient' }));
    const [path, facts] = [`/v1/subjects/${about}`, ['subject.registered']];
    return { by: registrar, path, body: { ...body }, other: { ...other }, about, facts, answers: [201, 200] };
  },
  'delete /v1/subjects/{subjectId}': async (here) => {
    const { subjectId: about } = await enrolled(here);
    const path = `/v1/subjects/${about}`;
    return { by: here.registrar, path, about, facts: ['subject.erasure-begun'], answers: [202, 202] };
  },
  'put /v1/consents/{consentId}': async (here) => {
    const about = randomUUID();
    const body = await here.agreementOf(await here.register());
    const other = { ...body, channel: 'online' };
    const facts = ['consent.id-claimed', 'consent.given'];
    return { by: here.registrar, path: `/v1/consents/${about}`, body, other, about, facts, answers: [201, 200] };
  },
  'put /v1/consent-refusals/{refusalId}': async (here) => {
    const about = randomUUID();
    const body = { subjectId: await here.register(), purposeId, checkpointId, channel: 'counter' };
    const other = { ...body, channel: 'online' };
    const [path, facts] = [`/v1/consent-refusals/${about}`, ['consent.id-claimed', 'consent.refused']];
    return { by: here.registrar, path, body, other, about, facts, answers: [201, 200] };
  },
  'post /v1/consents/{consentId}/withdrawal': async (here) => {
    const { consentId: about } = await enrolled(here);
    const path = `/v1/consents/${about}/withdrawal`;
    return { by: here.registrar, path, about, facts: ['consent.withdrawn'], ...withdrawal };
  },
  'post /v1/me/consents/{consentId}/withdrawal': async (here) => {
    const { consentId: about, subjectId } = await enrolled(here);
    const path = `/v1/me/consents/${about}/withdrawal`;
    return { by: await here.patient(subjectId), path, about, facts: ['consent.withdrawn'], ...withdrawal };
  },
  'put /v1/templates/{templateId}': async (here) => {
    const about = randomUUID();
    const { subjectId } = await consenting(here);
    const [body, other] = [enrolmentOf(subjectId), enrolmentOf(subjectId, faceOf(2))];
    const facts = ['template.id-claimed', 'template.enrolled'];
    return { by: here.backend, path: `/v1/templates/${about}`, body, other, about, facts, answers: [201, 200] };
  },
  'delete /v1/templates/{templateId}': async (here) => {
    const { templateId: about } = await enrolled(here);
    const path = `/v1/templates/${about}`;
    return { by: here.registrar, path, about, facts: ['template.erasure-begun'], answers: [202, 202] };
  },
  'post /v1/matches/verify': async (here) => {
    const { subjectId: about } = await enrolled(here);
    const body = { subjectId: about, purposeId, model: enrolment.model, embedding: embeddingOf(faceOf(1)) };
    const other = { ...body, embedding: embeddingOf(faceOf(2)) };
    const [path, facts] = ['/v1/matches/verify', ['matching.decided']];
    return { by: here.backend, path, body, other, about, facts, answers: [200, 200] };
  },
  'post /v1/matches/identify': async (here) => {
    const id = await identifyingPurpose(here);
    const { body: told } = await here.backend.get(`/v1/notices/${id}`).expect(200);
    const [face, stranger] = [someFace(), someFace()];
    const about = await here.register();
    const agreed = { ...agreement, purposeId: id, noticeId: id, noticeVersion: told.version, noticeHash: told.hash };
    await here.registrar
      .put(`/v1/consents/${randomUUID()}`)
      .send({ ...agreed, subjectId: about })
      .expect(201);
    await here.backend
      .put(`/v1/templates/${randomUUID()}`)
      .send(enrolmentOf(about, face, { purposeId: id }))
      .expect(201);
    await identified(here, stranger, { purposeId: id });
    const [body, other] = [soughtOf(face, { purposeId: id }), soughtOf(stranger, { purposeId: id })];
    const [path, facts] = ['/v1/matches/identify', ['matching.decided', 'identification.decided']];
    return { by: here.backend, path, body, other, about, facts, answers: [200, 200] };
  },
};
