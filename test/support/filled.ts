import { randomUUID } from 'node:crypto';
import type { TestApi } from './api.js';
import { enrolled, erasureOf, verify } from './enrolment.js';
import { Hospital } from './hospital.js';
import { assessment, checkpoint, checkpointId, notice, purpose, purposeId, thresholdCard } from './policy.js';

/** Names of things, by what they name. */
export type Ids = Readonly<Record<string, string>>;

/** Names that only this hospital gave, as long as any other of these. */
export const slugsOf = (whose: string): Ids => ({
  noticeId: `notice-of-${whose}`,
  purposeId: `purpose-of-${whose}`,
  assessmentId: `assessment-of-${whose}`,
  checkpointId: `checkpoint-of-${whose}`,
  thresholdCardId: `card-of-${whose}`,
});

/** A hospital that has one of everything; its names are its own. */
export async function filled(api: TestApi, tenant: string, whose: string): Promise<Ids> {
  const hospital = await Hospital.open(api, tenant);
  const slugs = slugsOf(whose);
  const { dpo, secondDpo } = hospital;
  await dpo.put(`/v1/notices/${slugs.noticeId}`).send(notice).expect(201);
  await dpo.put(`/v1/threshold-cards/${slugs.thresholdCardId}`).send(thresholdCard).expect(201);
  const { noticeId: noticeName, thresholdCardId: cardName } = slugs;
  await dpo
    .put(`/v1/purposes/${slugs.purposeId}`)
    .send({ ...purpose, noticeId: noticeName, thresholdCardId: cardName })
    .expect(201);
  await dpo
    .put(`/v1/assessments/${slugs.assessmentId}`)
    .send({ ...assessment, purposes: [slugs.purposeId] })
    .expect(201);
  await secondDpo.post(`/v1/assessments/${slugs.assessmentId}/approval`).send({}).expect(200);
  await dpo
    .put(`/v1/checkpoints/${slugs.checkpointId}`)
    .send({ ...checkpoint, purposeId: slugs.purposeId })
    .expect(201);

  const { subjectId, consentId, templateId } = await enrolled(hospital);
  await verify(hospital, subjectId).expect(200);
  const erased = await enrolled(hospital);
  await hospital.registrar.delete(`/v1/templates/${erased.templateId}`).expect(202);
  await erasureOf(hospital, erased.templateId);
  const refusalId = randomUUID();
  const refusal = { subjectId: await hospital.register(), purposeId, checkpointId, channel: 'counter' };
  await hospital.registrar.put(`/v1/consent-refusals/${refusalId}`).send(refusal).expect(201);
  const { keyId } = await api.issue(tenant, 'device');
  return { ...slugs, subjectId, consentId, templateId, erasedId: erased.templateId, refusalId, keyId };
}
