import { randomUUID } from 'node:crypto';
import { TestApi } from '../support/api.js';
import { consenting, enrolled, enrolmentOf, verify } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';
import { logOf } from '../support/log.js';
import {
  assessment,
  assessmentId,
  newThresholdCard,
  newThresholdCardId,
  purpose,
  purposeId,
  thresholdCard,
  thresholdCardId,
} from '../support/policy.js';
import { faceOf } from '../support/templates.js';

const purposes = `/v1/purposes/${purposeId}`;
const choice = `${purposes}/threshold-card`;
const assessments = '/v1/assessments/registration-2027';
const position = 'lethe-position';
const problem = (code: string) => ({ type: `urn:lethe:problem:policy.${code}` });
const lapsed = { type: 'urn:lethe:problem:matching.not-permitted', reason: 'assessment-lapsed' };

describe('the threshold card of a purpose', () => {
  let api: TestApi;
  let hospital: Hospital;

  beforeEach(async () => {
    api = await TestApi.start();
    hospital = await Hospital.open(api);
    await hospital.dpo.put(`/v1/threshold-cards/${newThresholdCardId}`).send(newThresholdCard).expect(201);
  });
  afterEach(() => api.close());

  const change = (to: string = newThresholdCardId) => hospital.dpo.put(choice).send({ thresholdCardId: to });
  const enrol = (subjectId: string) =>
    hospital.backend.put(`/v1/templates/${randomUUID()}`).send(enrolmentOf(subjectId, faceOf(2)));

  it('is changed once, shown, and found in the log; the purpose is known by the terms it came with', async () => {
    const changed = await change().expect(200);
    const again = await change().expect(200);
    expect([again.body, again.get(position)]).toEqual([changed.body, changed.get(position)]);
    expect(changed.body).toMatchObject({ thresholdCardId: newThresholdCardId, state: 'active', reassessmentDue: true });
    await hospital.backend.get(purposes).expect(200, changed.body);
    await hospital.dpo.put(purposes).send(purpose).expect(200, changed.body);
    await hospital.dpo
      .put(purposes)
      .send({ ...purpose, thresholdCardId: newThresholdCardId })
      .expect(409);
    const facts = (await logOf(api, 'here')).filter(({ type }) => type === 'policy.threshold-card-changed');
    expect(facts.map(({ data }) => data)).toEqual([
      { purposeId, thresholdCardId: newThresholdCardId, previousThresholdCardId: thresholdCardId },
    ]);
  });

  it('lets no face be enrolled or compared until another person approved an assessment of it', async () => {
    const [{ subjectId }, other] = [await enrolled(hospital), await consenting(hospital)];
    await verify(hospital, subjectId).expect(200);
    await change().expect(200);

    const refused = async () => {
      expect((await verify(hospital, subjectId).expect(403)).body).toMatchObject(lapsed);
      const { body } = await enrol(other.subjectId).expect(403);
      expect(body).toMatchObject({ reason: 'assessment-lapsed', alternatives: ['id-card'] });
    };
    await refused();
    await hospital.dpo.post(`${purposes}/suspension`).send({}).expect(200);
    const activation = await hospital.dpo.post(`${purposes}/activation`).send({}).expect(403);
    expect(activation.body).toMatchObject(problem('not-assessed'));
    await hospital.secondDpo.post(`/v1/assessments/${assessmentId}/approval`).send({}).expect(200);
    await hospital.dpo.post(`${purposes}/activation`).send({}).expect(403);

    const drafted = await hospital.dpo.put(assessments).send(assessment).expect(201);
    expect(drafted.body.cards).toEqual([{ purposeId, thresholdCardId: newThresholdCardId }]);
    await hospital.dpo.post(`${assessments}/approval`).send({}).expect(403);
    await hospital.secondDpo.post(`${assessments}/approval`).send({}).expect(200);
    await hospital.dpo.post(`${purposes}/activation`).send({}).expect(200);
    await verify(hospital, subjectId).expect(200);
    await enrol(other.subjectId).expect(201);
    const { body } = await hospital.backend.get(purposes).expect(200);
    expect(body).toMatchObject({ reassessmentDue: false, assessments: [{ assessmentId: 'registration-2027' }] });
    const decided = (await logOf(api, 'here')).filter(({ type }) => type === 'matching.decided');
    const cards = decided.map(({ data }) => (data as { thresholdCardId: string }).thresholdCardId);
    expect(cards).toEqual([thresholdCardId, newThresholdCardId]);
  });

  it('leaves an assessment behind that was drafted before it was changed', async () => {
    await hospital.dpo.put(assessments).send(assessment).expect(201);
    await change().expect(200);
    const approval = await hospital.secondDpo.post(`${assessments}/approval`).send({}).expect(409);
    expect(approval.body).toMatchObject(problem('assessment-outdated'));
  });

  it('must be there, and of the same model', async () => {
    expect((await change('synthetic-9').expect(404)).body).toMatchObject(problem('threshold-card-missing'));
    const model = { ...thresholdCard.model, version: '2' };
    await hospital.dpo
      .put('/v1/threshold-cards/synthetic-9')
      .send({ ...thresholdCard, model })
      .expect(201);
    const { body } = await change('synthetic-9').expect(422);
    expect(body).toMatchObject({
      ...problem('other-model'),
      errors: [{ path: 'thresholdCardId', code: 'other-model' }],
    });
    await hospital.backend.put(choice).send({ thresholdCardId }).expect(403);
    await hospital.dpo.put('/v1/purposes/pharmacy/threshold-card').send({ thresholdCardId }).expect(404);
    const { subjectId } = await enrolled(hospital);
    await verify(hospital, subjectId).expect(200);
  });
});
