import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type request from 'supertest';
import type { KeyRole } from '#lib/core';
import { TestApi } from '../support/api.js';
import { pathOf, type Route, routesOf } from '../support/routes.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/problems.md'), 'utf8');
const catalogued = new Map(
  [...page.matchAll(/^\| `(urn:lethe:problem:[a-z.-]+)` \| (\d{3}) /gm)].map(([, type, status]) => [
    type,
    Number(status),
  ]),
);
const keyRoles: readonly KeyRole[] = ['backend', 'registrar', 'device', 'dpo', 'auditor'];
const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;

describe('every route', () => {
  let api: TestApi;
  let routes: readonly Route[];
  const agents: Record<string, request.Agent> = {};
  beforeAll(async () => {
    api = await TestApi.start();
    routes = await routesOf(api);
    for (const role of keyRoles) agents[role] = await api.caller('here', role);
    agents.admin = api.admin();
    agents.patient = await api.patient('here', randomUUID());
    agents.anyone = api.anybody();
  });
  afterAll(() => api.close());

  const callerOf = ({ allowedTo: [role = ''] }: Route) => agents[role] as request.Agent;
  /** Where nothing is: what is wrong with a request is said before anything is looked for. */
  const anywhere = (route: Route) =>
    pathOf(route, Object.fromEntries(route.inPath.map((name) => [name, /tenant$/.test(name) ? 'here' : randomUUID()])));
  const ask = (route: Route, path = anywhere(route), by = callerOf(route)) => by[route.verb](path);

  /** Sends it on each of these routes; answers what was not refused with a catalogued problem of this status and code. */
  async function unlike(
    some: readonly Route[],
    statuses: readonly number[],
    code: RegExp,
    send: (route: Route) => request.Test,
  ) {
    const others: object[] = some.length > 0 ? [] : ['there is no such route'].map((what) => ({ what }));
    for (const route of some) {
      const { status, type, body } = await send(route);
      const isProblem =
        type === 'application/problem+json' && catalogued.get(body.type) === status && body.status === status;
      if (!isProblem || !statuses.includes(status) || !code.test(body.type))
        others.push({ route: route.name, status, body });
    }
    return others;
  }
  const withBody = () => routes.filter(({ takesBody }) => takesBody);

  it.each<[string, number, RegExp, (asked: request.Test) => request.Test]>([
    ['is not JSON', 400, /http\.malformed$/, (asked) => asked.type('json').send('{"a":')],
    ['is not UTF-8', 400, /http\.malformed$/, (asked) => asked.type('json').send('{"a":"\\ud800')],
    ['is nested 20,000 deep', 400, /http\.malformed$/, (asked) => asked.type('json').send(nested(20_000))],
    ['would poison a prototype', 400, /http\.malformed$/, (asked) => asked.type('json').send('{"__proto__":{"a":1}}')],
    ['is text', 415, /http\.not-json$/, (asked) => asked.type('text').send('{}')],
    ['is a form', 415, /http\.not-json$/, (asked) => asked.type('form').send('a=b')],
    ['is XML', 415, /http\.not-json$/, (asked) => asked.type('application/xml').send('<a/>')],
    ['is of 70 kB', 413, /http\.too-large$/, (asked) => asked.send({ a: 'x'.repeat(70_000) })],
    ['is nested 40 deep', 422, /http\.invalid$/, (asked) => asked.type('json').send(nested(40))],
    ['has a field that nobody knows', 422, /http\.invalid$/, (asked) => asked.send({ nobodyKnows: 1 })],
    ['is a list', 422, /http\.invalid$/, (asked) => asked.send([1])],
    ['is a text in JSON', 422, /http\.invalid$/, (asked) => asked.type('json').send('"a"')],
  ])('refuses a body that %s', async (_, status, code, send) => {
    expect(await unlike(withBody(), [status], code, (route) => send(ask(route)))).toEqual([]);
  });

  it('names the field that nobody knows, and says nothing of what was in it', async () => {
    for (const route of withBody()) {
      const { body, text } = await ask(route).send({ nobodyKnows: 'what was said' });
      expect([route.name, body.errors]).toEqual([
        route.name,
        expect.arrayContaining([{ path: 'nobodyKnows', code: 'unrecognized_keys' }]),
      ]);
      expect(text).not.toContain('what was said');
    }
  });

  it('takes bytes where it says so, and nowhere else', async () => {
    const bytes = (route: Route) => ask(route).type('application/octet-stream').send(Buffer.alloc(8));
    const [taking, others] = [
      withBody().filter((route) => route.takesBytes),
      withBody().filter((route) => !route.takesBytes),
    ];
    expect(await unlike(others, [415], /http\.not-json$/, bytes)).toEqual([]);
    expect(await unlike(taking, [422], /http\.invalid$/, bytes)).toEqual([]);
  });

  it.each<[string, (id: string) => string]>([
    ['in upper case', (id) => id.toUpperCase()],
    ['in braces', (id) => `%7B${id}%7D`],
    ['that is too long', (id) => `${id}-${'x'.repeat(50)}`],
    ['that is a path', () => '..%2f..%2fhealthz'],
    ['with a byte of nothing', (id) => `${id}%00`],
  ])('refuses an id %s', async (_, spell) => {
    const named = routes.filter(({ inPath }) => inPath.length > 0);
    for (const place of [0, 1]) {
      const some = named.filter(({ inPath }) => inPath.length > place);
      const spelled = (route: Route) =>
        pathOf(
          route,
          Object.fromEntries(route.inPath.map((name, n) => [name, n === place ? spell(randomUUID()) : randomUUID()])),
        );
      expect(
        await unlike(some, [404, 422], /http\.(invalid|not-found)$|missing$/, (route) => ask(route, spelled(route))),
      ).toEqual([]);
    }
  });

  it.each<[string, string, string]>([
    ['limit', 'limit', '0'],
    ['limit', 'limit', '201'],
    ['limit', 'limit', 'ten'],
    ['cursor', 'cursor', 'x'.repeat(5_000)],
    ['subject', 'subjectId', 'nobody'],
    ['purpose', 'purposeId', 'A B'],
    ['instant', 'before', 'yesterday'],
    ['instant', 'from', 'yesterday'],
    ['instant', 'to', '2026-13-01T00:00:00Z'],
    ['place in the log', 'at', '-1'],
    ['format', 'format', 'exe'],
    ['version', 'version', '0'],
  ])('refuses a %s that cannot be: %s=%s', async (_, name, value) => {
    const some = routes.filter(({ verb, inQuery }) => verb === 'get' && inQuery.includes(name));
    expect(await unlike(some, [422], /http\.invalid$/, (route) => ask(route).query({ [name]: value }))).toEqual([]);
  });

  it('refuses a question that nobody knows', async () => {
    const some = routes.filter(({ verb, inQuery }) => verb === 'get' && inQuery.length > 0);
    expect(await unlike(some, [422], /http\.invalid$/, (route) => ask(route).query({ nobodyKnows: '1' }))).toEqual([]);
  });

  it.each([
    ['idempotency-key', 'x'.repeat(201)],
    ['idempotency-key', 'two words'],
    ['lethe-position', '-1'],
    ['lethe-position', '9'.repeat(30)],
  ])('refuses a header that cannot be: %s', async (name, value) => {
    const some = routes.filter(({ inHeaders }) => inHeaders.includes(name));
    expect(
      await unlike(some, [422], /http\.invalid$/, (route) =>
        ask(route)
          .set(name, value)
          .send(route.takesBody ? {} : undefined),
      ),
    ).toEqual([]);
  });

  describe('asks for a credential that holds', () => {
    const closed = () => routes.filter(({ allowedTo }) => !allowedTo.includes('anyone'));
    const noKey = /access\.no-valid-key$/;

    it('and takes none that was revoked', async () => {
      const { key, keyId } = await api.issue('here', 'backend');
      await api.holder(key).get('/v1/signing-keys').expect(200);
      await api.admin().delete(`/v1/tenants/here/keys/${keyId}`).expect(204);
      expect(await unlike(closed(), [401], noKey, (route) => ask(route, anywhere(route), api.holder(key)))).toEqual([]);
    });

    it('and takes none whose time is over: neither a key nor a session', async () => {
      const expiresAt = new Date(api.clock.now().getTime() + 60_000).toISOString();
      const terms = { role: 'backend', label: 'short', expiresAt };
      const { body } = await api.admin().post('/v1/tenants/here/keys').send(terms).expect(201);
      const patient = await api.patient('here', randomUUID());
      await patient.get('/v1/me').expect(200);
      api.clock.advance(86_400_000);
      for (const expired of [api.holder(body.key), patient]) {
        expect(await unlike(closed(), [401], noKey, (route) => ask(route, anywhere(route), expired))).toEqual([]);
      }
    });

    it.each([
      ['of another kind', 'Basic YTpi'],
      ['without anything', 'Bearer '],
      ['of nobody', 'Bearer lethe_here_nobody'],
      ['without an end', `Bearer ${'x'.repeat(4_000)}`],
      ['with letters of elsewhere', 'Bearer \u00e9\u00e9'],
    ])('and takes none %s', async (_, authorization) => {
      const send = (route: Route) => ask(route, anywhere(route), api.anybody()).set('authorization', authorization);
      expect(await unlike(closed(), [401], noKey, send)).toEqual([]);
    });
  });
});
