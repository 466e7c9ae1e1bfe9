import { randomUUID } from 'node:crypto';
import { TestApi } from '../support/api.js';
import { enrolmentOf, erasureOf, verify } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';
import { findable, identified, identify, openIdentifying, soughtOf } from '../support/identification.js';
import { assessment, checkpointId, identification, identifying, purposeId, thresholdCard } from '../support/policy.js';
import { faceOf } from '../support/templates.js';

const problem = (code: string) => `urn:lethe:problem:${code}`;
const minuteMs = 60_000;

/** Between two faces: `share` of the first. */
const mixOf = (a: Uint8Array, b: Uint8Array, share: number) => {
  const [x, y] = [new Float32Array(a.buffer), new Float32Array(b.buffer)];
  return new Uint8Array(x.map((value, at) => value * share + (y[at] as number) * (1 - share)).buffer);
};

describe('identification over HTTP', () => {
  let api: TestApi;
  let here: Hospital;
  let seed = 100;
  const newFace = () => faceOf(seed++);
  const found = async (face: Uint8Array, hospital = here) => {
    const { body } = await identified(hospital, face, { limit: 5 });
    return body.candidates?.map(({ subjectId }: { subjectId: string }) => subjectId) ?? body;
  };

  beforeAll(async () => {
    api = await TestApi.start();
    here = await openIdentifying(api, 'here');
  });
  afterAll(() => api.close());

  it('finds who is enrolled, by pseudonym and band, and shows it to them', async () => {
    const face = newFace();
    const { subjectId, consentId, templateId } = await findable(here, face);
    await findable(here, newFace());
    const { status, body, headers, text } = await identified(here, face, { checkpointId });
    expect([status, body]).toEqual([
      200,
      {
        identificationId: expect.any(String),
        candidates: [{ subjectId, consentId, band: 'strong', matchId: expect.any(String) }],
        gallery: { templates: 2, fpir: expect.closeTo(1e-7, 9), fpirMax: identification.fpirMax },
        reasons: [],
        alternatives: ['id-card'],
      },
    ]);
    expect(text).not.toMatch(/score|0\.99|templateId/);
    expect(text).not.toContain(templateId);
    const seen = await (await here.patient(subjectId)).get('/v1/me/matches').expect(200);
    const { matchId } = body.candidates[0];
    expect(seen.body.items).toEqual([expect.objectContaining({ matchId, checkpointId, decision: 'accept' })]);
    expect(Number(headers['lethe-position'])).toBeGreaterThan(0);
  });

  it('names nobody who is not close enough, and says so', async () => {
    const [face, other] = [newFace(), newFace()];
    const { subjectId } = await findable(here, face);
    expect(await found(newFace())).toEqual([]);
    // 0.5 is the threshold: cosines of about 0.45 and 0.6.
    expect(await found(mixOf(face, other, 0.335))).toEqual([]);
    expect(await found(mixOf(face, other, 0.43))).toEqual([subjectId]);
    const { body } = await identified(here, mixOf(face, other, 0.43));
    expect(body.candidates).toEqual([expect.objectContaining({ band: 'match' })]);
  });

  it('names the closest first, each once, and as many as are asked for', async () => {
    const [face, other, noise] = [newFace(), newFace(), newFace()];
    const near = await findable(here, mixOf(face, other, 0.7));
    const nearest = await findable(here, mixOf(face, noise, 0.8));
    await here.backend
      .put(`/v1/templates/${randomUUID()}`)
      .send(enrolmentOf(near.subjectId, mixOf(face, other, 0.65)))
      .expect(201);
    expect(await found(face)).toEqual([nearest.subjectId, near.subjectId]);
    const { body } = await identified(here, face);
    expect(body.candidates).toEqual([expect.objectContaining({ subjectId: nearest.subjectId })]);
    for (const limit of [0, 6, 1.5]) await identify(here, face, { limit }).expect(422);
  });

  it('names nobody who withdrew a moment ago, and holds nothing of them once they are erased', async () => {
    const face = newFace();
    const { subjectId, consentId, templateId } = await findable(here, face);
    expect(await found(face)).toEqual([subjectId]);
    const before = await figure(api, 'lethe_gallery_templates');
    await here.registrar.post(`/v1/consents/${consentId}/withdrawal`).send({ channel: 'counter' }).expect(200);
    expect(await found(face)).toEqual([]);
    const { steps } = await erasureOf(here, templateId);
    expect(steps).toContainEqual(expect.objectContaining({ step: 'evict', store: 'matchers', outcome: 'done' }));
    expect(await figure(api, 'lethe_gallery_templates')).toBe(before - 1);
  });

  it('finds who was enrolled a moment ago, and whoever consents anew', async () => {
    for (let patients = 0; patients < 5; patients++) {
      const face = newFace();
      const { subjectId } = await findable(here, face);
      expect(await found(face)).toEqual([subjectId]);
    }
  });

  it('answers a repeat as the first time, and records it once', async () => {
    const face = newFace();
    const { subjectId } = await findable(here, face);
    await found(face);
    const ask = () => identify(here, face).set('idempotency-key', 'once');
    const [first, second] = [await ask(), await ask()];
    expect(first.body.candidates).toEqual([expect.objectContaining({ subjectId })]);
    expect([second.status, second.body]).toEqual([200, first.body]);
    const seen = await (await here.patient(subjectId)).get('/v1/me/matches').expect(200);
    expect(seen.body.items).toHaveLength(2);
  });

  it('keeps to the vector of the card and to who may ask', async () => {
    await identify(here, newFace(), { model: { id: 'other', version: '1' } }).expect(422);
    const { body } = await identified(here, faceOf(1, 256));
    expect(body).toMatchObject({ type: problem('matching.bad-embedding') });
    await here.registrar.post('/v1/matches/identify').send(soughtOf(newFace())).expect(403);
    const elsewhere = await identify(here, newFace(), { purposeId: 'other' });
    expect([elsewhere.status, elsewhere.body.type]).toEqual([404, problem('policy.purpose-missing')]);
    const nowhere = await identified(here, newFace(), { checkpointId: 'nowhere' });
    expect(nowhere.body.type).toBe(problem('policy.checkpoint-missing'));
  });

  it('compares in no other way than consent was given to', async () => {
    const face = newFace();
    const { subjectId } = await findable(here, face);
    const claimed = await verify(here, subjectId, face);
    expect([claimed.status, claimed.body.type]).toEqual([403, problem('matching.other-operation')]);
    const verifying = await Hospital.open(api, 'verifying');
    const sought = await identify(verifying, face);
    expect([sought.status, sought.body.type]).toEqual([403, problem('matching.other-operation')]);
  });

  it('finds nobody of another tenant, whoever is the same there', async () => {
    const there = await openIdentifying(api, 'there');
    const face = newFace();
    const [mine, theirs] = [await findable(here, face), await findable(there, face)];
    expect([await found(face), await found(face, there)]).toEqual([[mine.subjectId], [theirs.subjectId]]);
  });

  it('goes on under another key of its rotation, without anybody being captured again', async () => {
    const face = newFace();
    const { subjectId } = await findable(here, face);
    expect(await found(face)).toEqual([subjectId]);
    const renew = (version: number) => here.dpo.put(`/v1/purposes/${purposeId}/rotation`).send({ version });
    expect((await renew(2).expect(200)).body).toEqual({ purposeId, version: 2 });
    for (let asked = 0; asked < 20; asked++) expect(await found(face)).toEqual([subjectId]);
    const later = newFace();
    const { subjectId: newcomer } = await findable(here, later);
    expect(await found(later)).toEqual([newcomer]);
    await renew(2).expect(200);
    expect((await renew(4).expect(409)).body).toMatchObject({ type: problem('policy.not-next-rotation'), version: 2 });
  });

  it('lets go of the gallery of a purpose that is suspended, and makes it again', async () => {
    const closing = await openIdentifying(api, 'closing');
    const face = newFace();
    const { subjectId } = await findable(closing, face);
    expect(await found(face, closing)).toEqual([subjectId]);
    const before = await figure(api, 'lethe_gallery_templates');
    await closing.dpo.post(`/v1/purposes/${purposeId}/suspension`).send({}).expect(200);
    const { status, body } = await identify(closing, face);
    expect([status, body]).toEqual([403, expect.objectContaining({ reason: 'purpose-not-active' })]);
    await until(async () => (await figure(api, 'lethe_gallery_templates')) === before - 1);
    await closing.dpo.post(`/v1/purposes/${purposeId}/activation`).send({}).expect(200);
    expect(await found(face, closing)).toEqual([subjectId]);
  });

  describe('within its bounds', () => {
    it('is refused once the purpose was searched as often as it may be in a minute', async () => {
      const few = await openIdentifying(api, 'few', { purpose: identifying({ searchesPerMinuteMax: 2 }) });
      await identified(few, newFace());
      await identify(few, newFace()).expect(200);
      const { status, body, headers } = await identify(few, newFace());
      expect([status, body.type, body.alternatives]).toEqual([429, problem('identification.over-quota'), ['id-card']]);
      expect(Number(headers['retry-after'])).toBeGreaterThan(50);
      api.clock.advance(minuteMs);
      await identify(few, newFace()).expect(200);
      expect(await figure(api, 'lethe_identifications_total{outcome="over-quota"}')).toBe(1);
    });

    it('is refused while more are enrolled than may be searched, and takes them in when there is room', async () => {
      const small = await openIdentifying(api, 'small', { purpose: identifying({ galleryMax: 2 }) });
      const [first, second, third] = [newFace(), newFace(), newFace()];
      const { templateId } = await findable(small, first);
      await findable(small, second);
      const { subjectId } = await findable(small, third);
      const { status, body } = await identified(small, third);
      expect([status, body]).toEqual([
        403,
        expect.objectContaining({ type: problem('identification.over-cap'), templates: 3, galleryMax: 2 }),
      ]);
      await small.registrar.delete(`/v1/templates/${templateId}`).expect(202);
      expect(await found(third, small)).toEqual([subjectId]);
    });

    it('is not activated where too many would be found who are not enrolled', async () => {
      const card = { fmr: 1e-4, interval: { low: 0, high: 1e-4 } };
      await expect(openIdentifying(api, 'wide', { card })).rejects.toThrow('403');
    });

    it('is refused by numbers, where another threshold card spends more than the purpose allows', async () => {
      const judged = await openIdentifying(api, 'judged');
      const faces = Array.from({ length: 12 }, newFace);
      for (const face of faces) await findable(judged, face);
      expect(await found(faces[0] as Uint8Array, judged)).toHaveLength(1);
      const card = { ...thresholdCard, fmr: 0.0001, interval: { low: 0, high: 0.0001 } };
      await judged.dpo.put('/v1/threshold-cards/worse').send(card).expect(201);
      await judged.dpo.put(`/v1/purposes/${purposeId}/threshold-card`).send({ thresholdCardId: 'worse' }).expect(200);
      const unassessed = await identify(judged, newFace());
      expect([unassessed.status, unassessed.body.reason]).toEqual([403, 'assessment-lapsed']);
      await judged.dpo.put('/v1/assessments/again').send(assessment).expect(201);
      await judged.secondDpo.post('/v1/assessments/again/approval').send({}).expect(200);
      const { status, body } = await identified(judged, newFace());
      expect([status, body]).toEqual([
        403,
        expect.objectContaining({
          type: problem('identification.over-budget'),
          templates: 12,
          fmr: 0.0001,
          fpir: expect.closeTo(0.0012, 5),
          fpirMax: identification.fpirMax,
          templatesMax: 10,
        }),
      ]);
    });

    it('names nobody where a card lets everybody reach its threshold, and says so', async () => {
      const blind = await openIdentifying(api, 'blind', { card: { accept: -1, review: -1 } });
      await findable(blind, newFace());
      expect(await found(newFace(), blind)).toHaveLength(1);
      for (let patients = 0; patients < 50; patients++) await findable(blind, newFace());
      const { body } = await identified(blind, newFace());
      expect(body).toMatchObject({ candidates: [], reasons: ['too-many-candidates'], gallery: { templates: 51 } });
    });

    it('is refused where the gallery does not fit into the memory that there is', async () => {
      const wide = await openIdentifying(api, 'large', {
        purpose: identifying({ galleryMax: 1_000_000 }),
        card: { fmr: 0, interval: { low: 0, high: 1e-10 } },
      });
      const { status, body } = await identified(wide, newFace());
      expect([status, body]).toEqual([
        503,
        expect.objectContaining({
          type: problem('identification.no-memory'),
          memoryMaxBytes: 64e6,
          alternatives: ['id-card'],
        }),
      ]);
      expect(body.neededBytes).toBeGreaterThan(500e6);
    });
  });

  it('is off where no memory was given to it', async () => {
    const off = await TestApi.start({}, undefined, undefined, {});
    try {
      const { status, body } = await identify(await openIdentifying(off, 'here'), newFace());
      expect([status, body]).toEqual([
        403,
        expect.objectContaining({ type: problem('identification.off'), alternatives: ['id-card'] }),
      ]);
    } finally {
      await off.close();
    }
  });
});

async function until(is: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await is()); tries++) {
    if (tries === 200) throw new Error('not after 5 s');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** What the process says of itself. */
async function figure(api: TestApi, name: string): Promise<number> {
  const { text } = await api.anybody().get('/metrics').expect(200);
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}
