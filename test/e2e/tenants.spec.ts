import { randomUUID } from 'node:crypto';
import type request from 'supertest';
import { TestApi } from '../support/api.js';
import { consenting, embeddingOf, enrolled, enrolmentOf, erasureOf, verify } from '../support/enrolment.js';
import { filled, type Ids, slugsOf } from '../support/filled.js';
import { Hospital } from '../support/hospital.js';
import { soughtOf } from '../support/identification.js';
import { logOf } from '../support/log.js';
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
import { identifyingPurpose } from '../support/purposes.js';
import { pathOf, type Route, routesOf } from '../support/routes.js';
import { enrolment, faceOf } from '../support/templates.js';

/** Names of `theirs`, one by one, that a body may refer to. */
const inBodies: Readonly<Record<string, readonly string[]>> = {
  'put /v1/purposes/{purposeId}': ['noticeId', 'thresholdCardId'],
  'put /v1/purposes/{purposeId}/threshold-card': ['thresholdCardId'],
  'put /v1/assessments/{assessmentId}': ['purposes'],
  'put /v1/checkpoints/{checkpointId}': ['purposeId'],
  'put /v1/consents/{consentId}': ['subjectId', 'purposeId', 'noticeId'],
  'put /v1/consent-refusals/{refusalId}': ['subjectId', 'purposeId', 'checkpointId'],
  'put /v1/templates/{templateId}': ['subjectId', 'purposeId'],
  'post /v1/matches/verify': ['subjectId', 'purposeId', 'checkpointId'],
  'post /v1/matches/identify': ['purposeId', 'checkpointId'],
};
/** Ids that callers make: the same id there and here names two things. */
const isMade = ({ verb, path }: Route, slot: string) => verb === 'put' && path.endsWith(`{${slot}}`);

describe('P10: tenants', () => {
  let api: TestApi;
  let here: Hospital;
  let routes: readonly Route[];
  let theirs: Ids;
  /** Of another patient of this hospital. */
  let neighbours: Ids;
  let agents: Record<string, request.Agent>;

  beforeAll(async () => {
    api = await TestApi.start();
    theirs = await filled(api, 'there', 'there');
    here = await Hospital.open(api, 'here');
    const first = await enrolled(here);
    const gone = await enrolled(here);
    await here.registrar.delete(`/v1/templates/${gone.templateId}`).expect(202);
    await erasureOf(here, gone.templateId);
    neighbours = { subjectId: first.subjectId, consentId: first.consentId, templateId: gone.templateId };
    routes = await routesOf(api);
    agents = {
      admin: api.admin(),
      backend: here.backend,
      registrar: here.registrar,
      dpo: here.dpo,
      patient: await here.patient(await here.register()),
      anyone: api.anybody(),
    };
  });
  afterAll(() => api.close());

  const agentFor = ({ allowedTo }: Route) => {
    const role = Object.keys(agents).find((name) => allowedTo.includes(name)) ?? '';
    return agents[role] as request.Agent;
  };

  /** What this hospital itself would send; each time about someone else, so that nothing stands in its way. */
  async function bodyOf({ name, takesBody }: Route): Promise<Record<string, unknown>> {
    if (!takesBody) return {};
    switch (name) {
      case 'put /v1/notices/{noticeId}':
        return notice;
      case 'put /v1/threshold-cards/{thresholdCardId}':
        return thresholdCard;
      case 'put /v1/purposes/{purposeId}/threshold-card':
        return { thresholdCardId };
      case 'put /v1/purposes/{purposeId}/rotation':
        return { version: 2 };
      case 'put /v1/purposes/{purposeId}':
        return purpose;
      case 'put /v1/assessments/{assessmentId}':
        return assessment;
      case 'put /v1/checkpoints/{checkpointId}':
        return checkpoint;
      case 'put /v1/subjects/{subjectId}':
        return { externalRef: `MRN-${randomUUID()}`, kind: 'patient' };
      case 'post /v1/subjects/{subjectId}/links':
        return { ttlMinutes: 10 };
      case 'put /v1/consents/{consentId}':
        return here.agreementOf(await here.register());
      case 'put /v1/consent-refusals/{refusalId}':
        return { subjectId: await here.register(), purposeId, checkpointId, channel: 'counter' };
      case 'put /v1/templates/{templateId}':
        return enrolmentOf((await consenting(here)).subjectId);
      case 'post /v1/matches/verify': {
        const { subjectId } = await enrolled(here);
        return { subjectId, purposeId, model: enrolment.model, embedding: embeddingOf(faceOf(1)) };
      }
      case 'post /v1/matches/identify':
        return soughtOf(faceOf(1), { purposeId: await identifyingPurpose(here) });
      default:
        return name.endsWith('/withdrawal') ? { channel: 'counter' } : {};
    }
  }

  /** One request of ours, with `id` in one place of it: in its path, its query or its body. */
  async function ask(route: Route, slot: string, id: string) {
    const ours = { tenant: 'here', noticeId, purposeId, assessmentId, checkpointId, thresholdCardId, [slot]: id };
    const sent = await bodyOf(route);
    if (inBodies[route.name]?.includes(slot)) sent[slot] = slot === 'purposes' ? [id] : id;
    const made =
      route.verb === 'put' ? { [route.path.match(/\{(\w+)\}$/)?.[1] ?? '']: `s-${randomUUID()}`.slice(2) } : {};
    const asked = agentFor(route)[route.verb](
      pathOf(route, { ...made, ...ours, ...(isMade(route, slot) ? {} : made) }),
    );
    if (route.inQuery.includes(slot) && !route.takesBody) asked.query({ [slot]: id });
    return route.takesBody ? asked.send(sent) : asked;
  }

  /** All that an answer tells, but for what differs between any two: ids, instants, and places in the log. */
  function told({ status, headers, text }: request.Response, id: string) {
    const blank = (said: string) =>
      said
        .replaceAll(id, '<id>')
        .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<uuid>')
        .replace(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '<time>');
    const { date: _date, 'lethe-position': _position, 'content-length': length, ...rest } = headers;
    const shown = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, blank(String(value))]));
    return { status, headers: shown, length, body: blank(text) };
  }

  const slots = ({ name, inPath, inQuery }: Route) =>
    [...inPath, ...inQuery.filter((each) => each in theirs), ...(inBodies[name] ?? [])].filter(
      (slot, n, all) => slot !== 'tenant' && all.indexOf(slot) === n,
    );
  const theirOwn = (slot: string, ids: Ids, { path }: Route) => {
    if (slot === 'templateId' && path.includes('erasures')) return ids.erasedId ?? ids.templateId ?? '';
    return ids[slot === 'purposes' ? 'purposeId' : slot] ?? '';
  };
  const nobodys = (slot: string) => slotless[slot === 'purposes' ? 'purposeId' : slot] ?? randomUUID();
  const slotless = slugsOf('nobod');

  it('are told apart from nobody by no patient either, nor is another patient', async () => {
    for (const route of routes.filter(({ allowedTo, inPath }) => allowedTo.join() === 'patient' && inPath.length > 0)) {
      for (const slot of slots(route)) {
        const no = nobodys(slot);
        const nobody = told(await ask(route, slot, no), no);
        expect([route.name, nobody.status]).toEqual([route.name, 404]);
        for (const ids of [theirs, neighbours]) {
          const their = theirOwn(slot, ids, route);
          expect([route.name, told(await ask(route, slot, their), their)]).toEqual([route.name, nobody]);
        }
      }
    }
  });

  it('list and report nothing but their own, and a patient nothing but theirs', async () => {
    const strangers = (await logOf(api, 'there')).flatMap(
      ({ data }) => JSON.stringify(data).match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? [],
    );
    expect(new Set(strangers).size).toBeGreaterThan(10);
    const lists = routes.filter(
      ({ verb, inPath, allowedTo, path }) =>
        verb === 'get' && inPath.length === 0 && !allowedTo.includes('anyone') && path.startsWith('/v1/'),
    );
    for (const route of lists) {
      const asked = agentFor(route).get(route.path).buffer(true);
      if (route.inQuery.includes('subjectId')) asked.query({ subjectId: neighbours.subjectId });
      const { status, text } = await asked.expect(200);
      const foreign =
        route.allowedTo.includes('patient') && route.path.includes('/me')
          ? [...strangers, ...Object.values(neighbours)]
          : strangers;
      expect([route.name, status, foreign.filter((id) => text.includes(id))]).toEqual([route.name, 200, []]);
    }
    expect(lists.length).toBeGreaterThan(8);
  });

  it('may send the same idempotency key, and get an answer of their own', async () => {
    const [ours, their] = [await enrolled(here), theirs];
    const there = await api.caller('there', 'backend');
    const send = (by: request.Agent, subjectId: string) =>
      by
        .post('/v1/matches/verify')
        .set('idempotency-key', 'one')
        .send({ subjectId, purposeId, model: enrolment.model, embedding: embeddingOf(faceOf(1)) })
        .expect(200);
    const [first, second] = [await send(here.backend, ours.subjectId), await send(there, their.subjectId ?? '')];
    expect(second.body.matchId).not.toBe(first.body.matchId);
    expect(second.body.consentId).toBe(their.consentId);
  });

  it.each<[string, (id: string) => request.Test]>([
    ['consent', (id) => here.backend.get(`/v1/consents/${id}`)],
    ['template', (id) => here.backend.get(`/v1/templates/${id}`)],
    ['erasure', (id) => here.backend.get(`/v1/erasures/${id}`)],
    ['subject', (id) => here.backend.get(`/v1/subjects/${id}`)],
    ['face', (id) => verify(here, id)],
  ])("take as long to miss another's %s as nobody's", async (kind, send) => {
    const their =
      { consent: theirs.consentId, template: theirs.templateId, erasure: theirs.erasedId }[kind] ??
      theirs.subjectId ??
      '';
    const tookMs = { their: [] as number[], nobody: [] as number[] };
    const timed = async (of: keyof typeof tookMs, id: string) => {
      const beganMs = performance.now();
      await send(id).expect(404);
      tookMs[of].push(performance.now() - beganMs);
    };
    // In turns, so that whatever else the machine does falls on both.
    for (let n = 0; n < 150; n++) {
      await timed('their', their);
      await timed('nobody', randomUUID());
    }
    const median = (all: number[]) => all.sort((a, b) => a - b)[all.length >> 1] ?? 0;
    const ratio = median(tookMs.their) / median(tookMs.nobody);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });

  // The last one: it makes things of our own under the ids of theirs.
  it('tell the ids of another one from those of nobody in nothing, on any route', async () => {
    const statuses = new Map<string, number>();
    const pairs = routes.flatMap((route) => slots(route).map((slot) => ({ route, slot })));
    // Ids that we make last: from then on they name something here.
    pairs.sort((one, other) => Number(isMade(one.route, one.slot)) - Number(isMade(other.route, other.slot)));
    for (const { route, slot } of pairs) {
      const [their, no] = [theirOwn(slot, theirs, route), nobodys(slot)];
      expect([route.name, slot, their.length]).toEqual([route.name, slot, no.length]);
      const [other, nobody] = [await ask(route, slot, their), await ask(route, slot, no)];
      const where = `${route.name} ${slot}`;
      expect({ where, ...told(other, their) }).toEqual({ where, ...told(nobody, no) });
      statuses.set(where, other.status);
    }
    const unlike = (status: number) => [...statuses].filter((each) => each[1] !== status).map(([where]) => where);
    const made = routes
      .filter(({ verb }) => verb === 'put')
      .flatMap((route) =>
        slots(route)
          .filter((slot) => isMade(route, slot))
          .map((slot) => `${route.name} ${slot}`),
      );
    const lists = routes.flatMap((route) =>
      route.inQuery.filter((slot) => slot in theirs && route.verb === 'get').map((slot) => `${route.name} ${slot}`),
    );
    expect(unlike(404).sort()).toEqual([...made, ...lists].sort());
    expect(made.map((where) => statuses.get(where))).toEqual(made.map(() => 201));
    expect(lists.map((where) => statuses.get(where))).toEqual(lists.map(() => 200));
    expect(statuses.size).toBeGreaterThan(45);
  });
});
