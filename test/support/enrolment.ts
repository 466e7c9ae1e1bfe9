import { randomUUID } from 'node:crypto';
import type { Hospital } from './hospital.js';
import { thresholdCard } from './policy.js';
import { enrolment, faceOf } from './templates.js';

/** A face as an embedding in a JSON body. */
export const embeddingOf = (face: Uint8Array) => ({
  encoding: 'f32le-base64',
  dim: face.byteLength / 4,
  data: Buffer.from(face).toString('base64'),
});

/** What a device sends to enrol a face. */
export const enrolmentOf = (subjectId: string, face = faceOf(1), change: object = {}) => ({
  ...enrolment,
  subjectId,
  embedding: embeddingOf(face),
  ...change,
});

/** A patient who consented. */
export async function consenting(hospital: Hospital, change: object = {}) {
  const subjectId = await hospital.register();
  const consentId = randomUUID();
  const agreement = await hospital.agreementOf(subjectId, change);
  await hospital.registrar.put(`/v1/consents/${consentId}`).send(agreement).expect(201);
  return { subjectId, consentId };
}

/** A patient who consented and whose face is enrolled. */
export async function enrolled(hospital: Hospital, change: object = {}) {
  const patient = await consenting(hospital, change);
  const templateId = randomUUID();
  const { body } = await hospital.backend
    .put(`/v1/templates/${templateId}`)
    .send(enrolmentOf(patient.subjectId))
    .expect(201);
  return { ...patient, templateId, template: body };
}

/** Compares a face with those of a patient. */
export const verify = (hospital: Hospital, subjectId: string, face = faceOf(1)) =>
  hospital.backend.post('/v1/matches/verify').send({
    subjectId,
    purposeId: enrolment.purposeId,
    model: { id: thresholdCard.model.id, version: thresholdCard.model.version },
    embedding: embeddingOf(face),
  });

/** Waits, in real time, until the erasure of a template is over; answers it. */
export async function erasureOf(hospital: Hospital, templateId: string) {
  for (let tries = 0; tries < 200; tries++) {
    const { body } = await hospital.backend.get(`/v1/erasures/${templateId}`);
    if (body.state === 'erased') return body;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`template ${templateId} is not erased after 5 s`);
}
