import { randomUUID } from 'node:crypto';
import type { Hospital } from './hospital.js';
import { searchedCard } from './identification.js';
import { assessment, checkpoint, identifying, notice, purpose, thresholdCard } from './policy.js';

/** A purpose that could be activated, of its own notice and assessment. */
export async function activatable({ dpo, secondDpo }: Hospital, change: object = {}) {
  const id = `s-${randomUUID()}`;
  await dpo.put(`/v1/notices/${id}`).send(notice).expect(201);
  await dpo
    .put(`/v1/purposes/${id}`)
    .send({ ...purpose, noticeId: id, ...change })
    .expect(201);
  await dpo
    .put(`/v1/assessments/${id}`)
    .send({ ...assessment, purposes: [id] })
    .expect(201);
  await secondDpo.post(`/v1/assessments/${id}/approval`).send({}).expect(200);
  await dpo
    .put(`/v1/checkpoints/${id}`)
    .send({ ...checkpoint, purposeId: id })
    .expect(201);
  return id;
}

const cardOfMany = 'card-of-many';
const identifyingOf = new WeakMap<Hospital, Promise<string>>();

/** An active purpose of a hospital that finds people among many: one for all, as each has a gallery of its own. */
export function identifyingPurpose(here: Hospital): Promise<string> {
  const known = identifyingOf.get(here) ?? makeIdentifying(here);
  identifyingOf.set(here, known);
  return known;
}

async function makeIdentifying(here: Hospital) {
  const card = { ...thresholdCard, ...searchedCard };
  await here.dpo.put(`/v1/threshold-cards/${cardOfMany}`).send(card).expect(201);
  const id = await activatable(here, { ...identifying(), thresholdCardId: cardOfMany });
  await here.dpo.post(`/v1/purposes/${id}/activation`).send({}).expect(200);
  return id;
}
