import type request from 'supertest';
import { TestApi } from '../support/api.js';
import { Hospital } from '../support/hospital.js';
import {
  assessment,
  assessmentId,
  checkpoint,
  checkpointId,
  notice,
  noticeId,
  purpose,
  purposeId,
  thresholdCard,
  thresholdCardId,
} from '../support/policy.js';

const notices = `/v1/notices/${noticeId}`;
const cards = `/v1/threshold-cards/${thresholdCardId}`;
const purposes = `/v1/purposes/${purposeId}`;
const assessments = `/v1/assessments/${assessmentId}`;
const checkpoints = `/v1/checkpoints/${checkpointId}`;
const activation = `${purposes}/activation`;
const suspension = `${purposes}/suspension`;
const approval = `${assessments}/approval`;
const position = 'lethe-position';

/** Everything that is put, with what must be there before. */
const puts = [
  ['notice', notices, notice],
  ['threshold card', cards, thresholdCard],
  ['purpose', purposes, purpose],
  ['assessment', assessments, assessment],
  ['checkpoint', checkpoints, checkpoint],
] as const;
const posts = [activation, suspension, approval];

const problem = (code: string) => ({ type: `urn:lethe:problem:policy.${code}` });

describe('policy over HTTP', () => {
  let api: TestApi;
  let hospital: Hospital;
  let dpo: request.Agent;

  beforeEach(async () => {
    api = await TestApi.start();
    hospital = await Hospital.found(api);
    ({ dpo } = hospital);
  });
  afterEach(() => api.close());

  it('puts each thing once, answers a repeat as before, and shows it', async () => {
    for (const [, url, body] of puts) {
      const first = await dpo.put(url).send(body).expect(201);
      const again = await dpo.put(url).send(body).expect(200);
      expect([again.body, again.get(position)]).toEqual([first.body, first.get(position)]);
      const shown = await hospital.backend.get(url).expect(200);
      expect(shown.body).toMatchObject(first.body);
    }
  });

  it('is recorded once however many say the same at once', async () => {
    for (const [, url, body] of puts) {
      const answers = await Promise.all([1, 2, 3].map(() => dpo.put(url).send(body)));
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 201]);
      expect(new Set(answers.map((answer) => answer.get(position))).size).toBe(1);
    }
  });

  it('refuses another body under a known id', async () => {
    await hospital.define();
    await dpo.put(assessments).send(assessment).expect(201);
    await dpo.put(checkpoints).send(checkpoint).expect(201);
    for (const [url, body, code] of [
      [notices, { ...notice, title: 'other' }, 'notice-not-current'],
      [cards, { ...thresholdCard, accept: 0.6 }, 'threshold-card-exists'],
      [purposes, { ...purpose, title: 'other' }, 'purpose-exists'],
      [assessments, { ...assessment, risks: 'other' }, 'assessment-exists'],
      [checkpoints, { ...checkpoint, title: 'other' }, 'checkpoint-exists'],
    ] as const) {
      expect((await dpo.put(url).send(body).expect(409)).body).toMatchObject(problem(code));
    }
  });

  it('refuses bodies that do not fit, and says where', async () => {
    await hospital.define();
    for (const [, url, body] of puts) {
      const other = `${url}-2`;
      for (const field of Object.keys(body)) {
        const { body: answer } = await dpo
          .put(other)
          .send({ ...body, [field]: undefined })
          .expect(422);
        expect(answer.errors).toEqual([{ path: field, code: expect.any(String) }]);
      }
      const extra = await dpo
        .put(other)
        .send({ ...body, extra: 1 })
        .expect(422);
      expect(extra.body.errors).toEqual([{ path: 'extra', code: 'unrecognized_keys' }]);
      await dpo.put(other).send([]).expect(422);
      await dpo.put(other).type('json').send('{"a":').expect(400);
      await dpo.put(`${url}_2`).send(body).expect(422);
      await dpo.get(other).expect(404);
    }
    for (const url of posts) await dpo.post(url).send({ extra: 1 }).expect(422);
  });

  it('is written by the dpo alone, and read by those who show it', async () => {
    await Hospital.open(api, 'there');
    const [auditor, device] = [await api.caller('there', 'auditor'), await api.caller('there', 'device')];
    const [backend, registrar] = [await api.caller('there', 'backend'), await api.caller('there', 'registrar')];
    for (const [, url, body] of puts) {
      for (const reader of [auditor, backend, registrar]) {
        await reader.get(url).expect(200);
        await reader.put(url).send(body).expect(403);
      }
      await device.get(url).expect(403);
      await api.anybody().get(url).expect(401);
      await api.anybody().put(url).send(body).expect(401);
      await api.admin().get(url).expect(403);
    }
    for (const url of posts) {
      for (const caller of [auditor, device, backend, registrar]) await caller.post(url).send({}).expect(403);
      await api.anybody().post(url).send({}).expect(401);
    }
  });

  it('is missing to another hospital, to read and to refer to', async () => {
    const other = await Hospital.open(api, 'there');
    for (const [, url] of puts) await dpo.get(url).expect(404);
    for (const url of posts) await dpo.post(url).send({}).expect(404);
    await dpo.put(purposes).send(purpose).expect(404);
    await dpo.put(assessments).send(assessment).expect(404);
    await dpo.put(checkpoints).send(checkpoint).expect(404);
    await other.dpo.get(purposes).expect(200);
  });

  it('keeps every version of a notice', async () => {
    const first = await dpo.put(notices).send(notice).expect(201);
    const second = { ...notice, title: 'second', supersedes: 1 };
    expect((await dpo.put(notices).send(second).expect(201)).body).toMatchObject({ version: 2 });
    await dpo.put(notices).send(second).expect(200);
    await dpo.put(notices).send(notice).expect(200, first.body);
    await dpo
      .put(notices)
      .send({ ...notice, title: 'third', supersedes: 1 })
      .expect(409);
    const current = await hospital.registrar.get(notices).expect(200);
    expect(current.body).toMatchObject({ version: 2, text: { title: 'second' } });
    expect(current.body.versions.map(({ version }: { version: number }) => version)).toEqual([1, 2]);
    const old = await hospital.registrar.get(notices).query({ version: 1 }).expect(200);
    expect(old.body).toMatchObject({ ...first.body, text: notice });
    await hospital.registrar.get(notices).query({ version: 3 }).expect(404);
    for (const version of ['0', '-1', 'one', '1.5'])
      await hospital.registrar.get(notices).query({ version }).expect(422);
  });

  it('refuses a threshold card that reviews above what it accepts', async () => {
    const { body } = await dpo
      .put(cards)
      .send({ ...thresholdCard, review: 0.6 })
      .expect(422);
    expect(body.errors).toEqual([{ path: 'review', code: 'above-accept' }]);
  });

  it('defines a purpose upon a notice and a threshold card', async () => {
    expect((await dpo.put(purposes).send(purpose).expect(404)).body).toMatchObject(problem('notice-missing'));
    await dpo.put(notices).send(notice).expect(201);
    expect((await dpo.put(purposes).send(purpose).expect(404)).body).toMatchObject(problem('threshold-card-missing'));
    await dpo.put(cards).send(thresholdCard).expect(201);
    await dpo.put(purposes).send(purpose).expect(201);
  });

  it('activates a purpose once it is assessed and has another way, and suspends it', async () => {
    await hospital.define();
    const activate = () => dpo.post(activation).send({});
    expect((await activate().expect(403)).body).toMatchObject(problem('not-assessed'));
    await dpo.put(assessments).send(assessment).expect(201);
    expect((await activate().expect(403)).body).toMatchObject(problem('not-assessed'));
    await hospital.secondDpo.post(approval).send({}).expect(200);
    expect((await activate().expect(403)).body).toMatchObject(problem('no-alternative'));
    await dpo.put(checkpoints).send(checkpoint).expect(201);

    const active = await activate().expect(200);
    expect(active.body).toMatchObject({ purposeId, state: 'active', assessments: [{ assessmentId }] });
    const again = await dpo.post(activation).expect(200);
    expect([again.body, again.get(position)]).toEqual([active.body, active.get(position)]);

    const suspended = await dpo.post(suspension).send({}).expect(200);
    expect(suspended.body).toMatchObject({ state: 'suspended' });
    expect((await dpo.post(suspension).send({}).expect(200)).get(position)).toBe(suspended.get(position));
    expect((await activate().expect(200)).body).toMatchObject({ state: 'active' });
  });

  it('does not activate upon an assessment that has lapsed', async () => {
    await Hospital.open(api, 'there');
    const other = await api.caller('there', 'dpo');
    await other.post(suspension).send({}).expect(200);
    api.clock.advance(Date.parse(assessment.validUntil) - api.clock.now().getTime());
    expect((await other.post(activation).send({}).expect(403)).body).toMatchObject(problem('not-assessed'));
  });

  it('has an assessment approved by someone other than its author, while it lasts', async () => {
    await hospital.define();
    const { body: past } = await dpo
      .put(assessments)
      .send({ ...assessment, validUntil: '2026-05-31T00:00:00Z' })
      .expect(422);
    expect(past).toMatchObject(problem('assessment-lapsed'));
    const unknown = { ...assessment, purposes: [purposeId, 'pharmacy'] };
    expect((await dpo.put(assessments).send(unknown).expect(404)).body).toMatchObject(problem('purpose-missing'));
    expect((await dpo.post(approval).send({}).expect(404)).body).toMatchObject(problem('assessment-missing'));

    const drafted = await dpo.put(assessments).send(assessment).expect(201);
    expect(drafted.body).toMatchObject({ state: 'drafted', author: expect.stringMatching(/^key-/) });
    expect((await dpo.post(approval).send({}).expect(403)).body).toMatchObject(problem('own-assessment'));
    const approved = await hospital.secondDpo.post(approval).send({}).expect(200);
    expect(approved.body).toMatchObject({ state: 'approved', author: drafted.body.author });
    expect(approved.body.approver).not.toBe(approved.body.author);
    const again = await hospital.secondDpo.post(approval).send({}).expect(200);
    expect([again.body, again.get(position)]).toEqual([approved.body, approved.get(position)]);

    const late = `${assessments}-2`;
    await dpo.put(late).send(assessment).expect(201);
    api.clock.advance(Date.parse(assessment.validUntil) - api.clock.now().getTime());
    const lapsed = await hospital.secondDpo.post(`${late}/approval`).send({}).expect(422);
    expect(lapsed.body).toMatchObject(problem('assessment-lapsed'));
  });

  it('opens no checkpoint where a face is the only way', async () => {
    await hospital.define();
    const faces = { ...checkpoint, methods: [{ kind: 'face', enabled: true }] };
    const { body } = await dpo.put(checkpoints).send(faces).expect(422);
    expect(body.errors).toEqual([{ path: 'methods', code: 'face-alone' }]);
    const elsewhere = { ...checkpoint, purposeId: 'pharmacy' };
    expect((await dpo.put(checkpoints).send(elsewhere).expect(404)).body).toMatchObject(problem('purpose-missing'));
    const opened = await dpo.put(checkpoints).send(checkpoint).expect(201);
    expect(opened.body).toEqual({ checkpointId, ...checkpoint, alternatives: ['id-card'] });
  });

  it('keeps the id of a checkpoint to the purpose it came with', async () => {
    await hospital.define();
    await dpo.put('/v1/purposes/pharmacy').send(purpose).expect(201);
    await dpo.put(checkpoints).send(checkpoint).expect(201);
    const moved = { ...checkpoint, purposeId: 'pharmacy' };
    expect((await dpo.put(checkpoints).send(moved).expect(409)).body).toMatchObject(problem('checkpoint-exists'));
  });
});
