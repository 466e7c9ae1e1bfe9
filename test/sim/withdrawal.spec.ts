import { randomUUID } from 'node:crypto';
import type request from 'supertest';
import { ConsentWithdrawn } from '#lib/consent/contract';
import { type Fact, TenantId } from '#lib/core';
import { NoticePublished, PurposeSuspended } from '#lib/policy/contract';
import { EventStore } from '#lib/ports';
import { SubjectErasureBegun } from '#lib/subjects/contract';
import { TemplateErasureBegun } from '#lib/templates/contract';
import { amidst, type Seen } from '../support/amidst.js';
import { TestApi } from '../support/api.js';
import { enrolled } from '../support/enrolment.js';
import { family } from '../support/family.js';
import { Hospital } from '../support/hospital.js';
import { findable, identified, identify, openIdentifying } from '../support/identification.js';
import { auditOf, logOf } from '../support/log.js';
import { identifying, notice, noticeId, purposeId, thresholdCard } from '../support/policy.js';
import { faceOf } from '../support/templates.js';

const matches = 200;
const lanes = 32;
const withdrawAfter = [20, 60, 120];

/** P12: with servers and processes on two cores, 32 at once may each take longer than a patient is let wait. */
const unavailableMax = family.name === 'embedded' ? 0 : matches / 2;
const isUnavailable = ({ body }: Pick<Seen, 'body'>) => body.type === 'urn:lethe:problem:matching.unavailable';

describe('a withdrawal', () => {
  let api: TestApi;
  let here: Hospital;
  beforeAll(async () => {
    api = await TestApi.start();
    here = await Hospital.open(api);
  });
  afterAll(() => api.close());

  /** The hot path: nothing but the vector in the body. */
  const verify = (subjectId: string): request.Test =>
    here.backend
      .post('/v1/matches/verify')
      .query({ subjectId, purposeId, model: thresholdCard.model.id, modelVersion: thresholdCard.model.version })
      .type('application/octet-stream')
      .send(Buffer.from(faceOf(1)));

  const withdraw = (hospital: Hospital, consentId: string) =>
    hospital.registrar.post(`/v1/consents/${consentId}/withdrawal`).send({ channel: 'counter' });

  it.each(withdrawAfter)(
    `among ${matches} concurrent matches, sent with number %i, ends accepting at once, outside and in the log`,
    async (after) => {
      const patient = await enrolled(here);
      const { acted, seen, later } = await amidst(
        { total: matches, lanes, after },
        () => verify(patient.subjectId),
        () => withdraw(here, patient.consentId),
      );
      expect(acted?.status).toBe(200);
      expect(seen).toHaveLength(matches);
      expect(later.length).toBeGreaterThan(matches / 10);
      const told = later.filter((each) => !isUnavailable(each));
      expect(told.filter(({ status }) => status !== 403)).toEqual([]);
      expect(new Set(told.map(({ body }) => body.reason))).toEqual(new Set(['consent-withdrawn']));
      const accepted = seen.filter(({ body }) => body.decision === 'accept');
      expect(accepted.length).toBeGreaterThan(0);
      const unavailable = seen.filter(isUnavailable);
      expect(unavailable.length).toBeLessThanOrEqual(unavailableMax);
      expect(seen.filter((each) => each.status !== 200 && each.status !== 403 && !isUnavailable(each))).toEqual([]);

      const log = (await logOf(api, 'here')).filter(
        ({ data }) => (data as Partial<typeof patient>).subjectId === patient.subjectId,
      );
      const accepts = log.filter(({ data }) => (data as { decision?: string }).decision === 'accept');
      const withdrawn = log.find(({ type }) => type === 'consent.withdrawn')?.sequence ?? 0;
      // One that was told to use another method may have been recorded after that; no other one.
      expect(accepts.length).toBeGreaterThanOrEqual(accepted.length);
      expect(accepts.length).toBeLessThanOrEqual(accepted.length + unavailable.length);
      expect(accepts.filter(({ sequence }) => sequence > withdrawn)).toEqual([]);
      expect((await auditOf(api, 'here')).violations).toEqual([]);
    },
  );

  it.each(withdrawAfter)(
    `among ${matches} concurrent searches, sent with number %i, ends being found at once, outside and in the log`,
    async (after) => {
      const tenant = `searched-${after}`;
      const searched = await openIdentifying(api, tenant, {
        purpose: identifying({ searchesPerMinuteMax: 60_000 }),
      });
      const face = faceOf(1);
      const [patient, other] = [await findable(searched, face), await findable(searched, face)];
      await identified(searched, face);
      const { acted, seen, later } = await amidst(
        { total: matches, lanes, after },
        () => identify(searched, face, { limit: 5 }),
        () => withdraw(searched, patient.consentId),
      );
      expect(acted?.status).toBe(200);
      expect(later.length).toBeGreaterThan(matches / 10);
      expect(seen.filter((each) => each.status !== 200 && !isUnavailable(each))).toEqual([]);
      expect(seen.filter(isUnavailable).length).toBeLessThanOrEqual(unavailableMax);
      const namedIn = ({ body }: Seen): string[] =>
        body.candidates?.map(({ subjectId }: { subjectId: string }) => subjectId).sort() ?? [];
      const [both, alone] = [[patient.subjectId, other.subjectId].sort(), [other.subjectId]];
      expect(seen.map(namedIn)).toContainEqual(both);
      expect(
        later.filter((each) => !isUnavailable(each)).filter((each) => namedIn(each).join() !== alone.join()),
      ).toEqual([]);
      const log = await logOf(api, tenant);
      const withdrawn = log.find(({ type }) => type === 'consent.withdrawn')?.sequence ?? 0;
      const accepts = log.filter(
        ({ type, data }) =>
          type === 'matching.decided' && (data as { subjectId?: string }).subjectId === patient.subjectId,
      );
      expect(accepts.length).toBeGreaterThan(0);
      expect(accepts.filter(({ sequence }) => sequence > withdrawn)).toEqual([]);
      expect((await auditOf(api, tenant)).violations).toEqual([]);
    },
  );

  describe('or another end that this process has not heard of', () => {
    type Patient = Awaited<ReturnType<typeof enrolled>>;
    /** Stores a fact as another process would: what is remembered here is stale from then on. */
    const behindOurBack = async (stream: string, fact: Fact) => {
      const store = api.app.get(EventStore);
      const tenant = TenantId.parse('here');
      const event = { ...fact, id: randomUUID(), at: api.clock.now().toISOString(), actor: 'elsewhere' };
      const expected = (await store.read(tenant, stream)).length;
      await store.append({ tenant, stream, expected, events: [event] });
    };
    const of = ({ subjectId }: Patient) => ({ subjectId, purposeId });
    const key = ({ subjectId }: Patient) => `${subjectId}-${purposeId}`;
    const problem = (code: string, reason?: string) => ({
      type: `urn:lethe:problem:${code}`,
      ...(reason && { reason }),
    });

    it.each<[string, number, object, (patient: Patient) => Promise<void>]>([
      [
        'a withdrawal',
        403,
        problem('matching.not-permitted', 'consent-withdrawn'),
        (patient) =>
          behindOurBack(
            `consent-${key(patient)}`,
            ConsentWithdrawn({ ...of(patient), consentId: patient.consentId, channel: 'online' }),
          ),
      ],
      [
        'the erasure of the template',
        404,
        problem('matching.no-template'),
        (patient) =>
          behindOurBack(
            `template-${key(patient)}`,
            TemplateErasureBegun({ ...of(patient), templateId: patient.templateId, trigger: 'requested' }),
          ),
      ],
      [
        'the erasure of the subject',
        404,
        problem('subjects.missing'),
        ({ subjectId }) => behindOurBack(`subject-${subjectId}`, SubjectErasureBegun({ subjectId })),
      ],
      [
        'a material notice',
        403,
        problem('matching.not-permitted', 'notice-superseded'),
        () =>
          behindOurBack(
            `notice-${noticeId}`,
            NoticePublished({ noticeId, version: 2, hash: 'a'.repeat(64), ...notice, body: 'another text' }),
          ),
      ],
      [
        'a suspension',
        403,
        problem('matching.not-permitted', 'purpose-not-active'),
        () => behindOurBack(`purpose-${purposeId}`, PurposeSuspended({ purposeId })),
      ],
    ])('%s ends accepting all the same', async (what, status, refusal, end) => {
      const patient = await enrolled(here);
      for (let n = 0; n < 3; n++) expect((await verify(patient.subjectId).expect(200)).body.decision).toBe('accept');
      const head = (await logOf(api, 'here')).at(-1)?.sequence ?? 0;

      await end(patient);
      const answers = await Promise.all(Array.from({ length: 20 }, () => verify(patient.subjectId)));
      expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => status));
      expect(answers[0]?.body).toMatchObject(refusal);
      const later = await logOf(api, 'here', head);
      expect(later.filter(({ type }) => type === 'matching.decided')).toEqual([]);
      const { violations, accepts } = await auditOf(api, 'here');
      expect({ what, violations }).toEqual({ what, violations: [] });
      expect(accepts).toBeGreaterThan(2);
    });
  });
});
