import { randomUUID } from 'node:crypto';
import type request from 'supertest';
import type { TestApi } from './api.js';
import { consenting, embeddingOf, enrolmentOf } from './enrolment.js';
import { Hospital, type Otherwise } from './hospital.js';
import { identifying, purposeId, thresholdCard } from './policy.js';

const triesMax = 400;

/** A card that lets some thousands be searched. */
export const searchedCard = { fmr: 1e-8, interval: { low: 0, high: 5e-8 } };

/** A hospital whose purpose finds people among many. */
export const openIdentifying = (api: TestApi, tenant: string, { purpose, card }: Otherwise = {}): Promise<Hospital> =>
  Hospital.open(api, tenant, { purpose: purpose ?? identifying(), card: { ...searchedCard, ...card } });

/** What a backend sends that looks for whose face this is. */
export const soughtOf = (face: Uint8Array, change: object = {}) => ({
  purposeId,
  model: { id: thresholdCard.model.id, version: thresholdCard.model.version },
  embedding: embeddingOf(face),
  ...change,
});

export const identify = (hospital: Hospital, face: Uint8Array, change: object = {}) =>
  hospital.backend.post('/v1/matches/identify').send(soughtOf(face, change));

/** As `identify`, and again while the gallery is being made, in real time. */
export async function identified(hospital: Hospital, face: Uint8Array, change: object = {}): Promise<request.Response> {
  for (let tries = 0; ; tries++) {
    const answer = await identify(hospital, face, change);
    if (!answer.body.type?.endsWith('.building') || tries === triesMax) return answer;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A patient who consented to be found, and whose face is enrolled. */
export async function findable(hospital: Hospital, face: Uint8Array) {
  const patient = await consenting(hospital);
  const templateId = randomUUID();
  await hospital.backend.put(`/v1/templates/${templateId}`).send(enrolmentOf(patient.subjectId, face)).expect(201);
  return { ...patient, templateId };
}
