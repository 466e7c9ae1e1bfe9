import { TenantId } from '#lib/core';
import { Documents, EventStore, KeyTable, Vault, Views } from '#lib/ports';
import { Sweeper } from '#lib/retention';
import { TestApi } from '../support/api.js';
import { enrolled, enrolmentOf, erasureOf, verify } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';

const dayMs = 86_400_000;
const tenant = TenantId.parse('here');
/** No sweep but those a test asks for. */
const never = 1_000 * dayMs;

describe('retention', () => {
  let api: TestApi;
  let here: Hospital;
  const begin = async (sweepEveryMs: number) => {
    api = await TestApi.start({ sweepEveryMs });
    here = await Hospital.open(api);
  };
  afterEach(() => api.close());
  const list = async (path: string, query: object = {}) => {
    const head = await api.app.get(EventStore).head(tenant);
    const asked = here.dpo.get(`/v1/retention/${path}`).query(query).set('lethe-position', String(head));
    return (await asked.expect(200)).body;
  };
  const sweep = () => api.app.get(Sweeper).sweep(tenant);

  it('deletes what is due by the sweep alone, and says what is late until then', async () => {
    await begin(never);
    const { templateId, template, subjectId } = await enrolled(here);
    const row = { templateId, subjectId, purposeId: template.purposeId, dueAt: template.dueAt, rule: 'inactivity' };
    expect(await list('due')).toEqual({ items: [row], next: null });
    expect(await list('due', { before: template.dueAt })).toEqual({ items: [], next: null });

    api.clock.advance(180 * dayMs - 60_000);
    expect(await sweep()).toMatchObject({ erasuresBegun: 0, failed: [] });
    expect((await list('overdue')).items).toEqual([]);

    api.clock.advance(60_000);
    expect((await list('overdue')).items).toEqual([row]);
    expect(await sweep()).toMatchObject({ erasuresBegun: 1, erasuresFinished: 1, failed: [] });
    expect((await list('overdue')).items).toEqual([]);
    expect(await erasureOf(here, templateId)).toMatchObject({ state: 'erased', trigger: 'inactivity' });
  });

  it('keeps what is used, no longer than maxDays', async () => {
    await begin(never);
    const { templateId, subjectId } = await enrolled(here, { validUntil: '2027-05-25T00:00:00.000Z' });
    for (const days of [100, 100, 100]) {
      api.clock.advance(days * dayMs);
      expect((await verify(here, subjectId).expect(200)).body.decision).toBe('accept');
    }
    expect(await sweep()).toMatchObject({ erasuresBegun: 0 });
    const { body } = await here.backend.get(`/v1/templates/${templateId}`).expect(200);
    expect(body).toMatchObject({ dueAt: '2027-05-25T00:00:00.000Z', dueRule: 'consent-validity' });
    expect((await list('due')).items).toMatchObject([{ dueAt: body.dueAt, rule: body.dueRule }]);
  });

  it('ends consents whose time is over, and with them their templates', async () => {
    await begin(never);
    const { templateId, consentId } = await enrolled(here, { validUntil: '2026-07-01T00:00:00.000Z' });
    api.clock.advance(30 * dayMs);
    expect(await sweep()).toMatchObject({ consentsExpired: 1, failed: [] });
    expect(await erasureOf(here, templateId)).toMatchObject({ trigger: 'consent-expired' });
    const { body } = await here.backend.get(`/v1/consents/${consentId}`).expect(200);
    expect(body.state).toBe('expired');
  });

  it('sweeps by the clock, without being asked', async () => {
    await begin(60_000);
    const { templateId } = await enrolled(here);
    api.clock.advance(180 * dayMs);
    expect(await erasureOf(here, templateId)).toMatchObject({ trigger: 'inactivity' });
  });

  it('clears away what an attempt at enrolment left that came to nothing', async () => {
    await begin(never);
    const { templateId } = await enrolled(here);
    const [vault, table] = [api.app.get(Vault), api.app.get(KeyTable)];
    const range = { from: '', below: '~', limit: 10 };
    const keyId = 'template-00000000-0000-4000-8000-000000000000';
    const key = api.clock.now().toISOString();
    const orphan = { id: keyId, key: templateId, sequence: 0, body: {}, bytes: new Uint8Array(32) };
    await vault.write(tenant, {
      collection: 'pending',
      puts: [{ id: keyId, key, sequence: 0, body: { templateId } }],
      removes: [],
    });
    await vault.write(tenant, { collection: 'templates', puts: [orphan], removes: [] });
    await table.put(tenant, { keyId, generation: 1, wrapped: new Uint8Array(60) });

    expect(await sweep()).toMatchObject({ attemptsAbandoned: 0 });
    api.clock.advance(61_000);
    expect(await sweep()).toMatchObject({ attemptsAbandoned: 1, failed: [] });
    expect(await table.get(tenant, keyId)).toBeUndefined();
    expect(await vault.range(tenant, 'pending', range)).toEqual([]);
    expect(await vault.range(tenant, 'templates', range)).toHaveLength(1);
  });

  it('lists what is due page by page, several templates of one patient too', async () => {
    await begin(never);
    const first = await enrolled(here);
    const second = await enrolled(here);
    const third = '00000000-0000-4000-8000-000000000001';
    await here.backend.put(`/v1/templates/${third}`).send(enrolmentOf(first.subjectId)).expect(201);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list('due', { limit: 1, ...(cursor && { cursor }) });
      expect(page.items).toHaveLength(1);
      seen.push(page.items[0].templateId);
      cursor = page.next ?? undefined;
    } while (cursor);
    expect(seen).toEqual([first.templateId, third, second.templateId]);
  });

  it('builds its views again to the same bytes', async () => {
    await begin(never);
    const { templateId, subjectId } = await enrolled(here);
    await enrolled(here);
    await verify(here, subjectId).expect(200);
    await here.registrar.delete(`/v1/templates/${templateId}`).expect(202);
    await erasureOf(here, templateId);
    await list('due');
    const documents = api.app.get(Documents);
    const held = () =>
      Promise.all(
        ['due', 'templates', 'unfinished-erasures'].map((view) =>
          documents.range(tenant, view, { from: '', below: '~', limit: 100 }),
        ),
      );
    // No list reads the view of what is unfinished, so nobody has waited for it.
    const { clock } = api;
    const head = await api.app.get(EventStore).head(tenant);
    for (const view of api.app.get(Views).all()) {
      while ((await view.position(tenant)) < head) await clock.sleep(20);
    }
    const before = await held();
    expect(before.map(({ length }) => length)).toEqual([1, 2, 0]);
    const events = await api.app.get(EventStore).readLog(tenant, 0, 1_000);
    for (const view of api.app.get(Views).all()) {
      await view.clear(tenant);
      await view.take(events);
    }
    expect(await held()).toEqual(before);
  });
});
