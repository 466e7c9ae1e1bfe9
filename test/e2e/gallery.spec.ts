import { TenantId } from '#lib/core';
import { Galleries } from '#lib/identification';
import { MatcherNode } from '#lib/matching/contract';
import { PurposeId } from '#lib/policy/contract';
import { Nodes } from '#lib/ports';
import { TestApi } from '../support/api.js';
import type { Hospital } from '../support/hospital.js';
import { findable, identified, identify, openIdentifying } from '../support/identification.js';
import { identification, notice, noticeId, purposeId, thresholdCard } from '../support/policy.js';
import { faceOf } from '../support/templates.js';

const tenant = TenantId.parse('here');
const { model } = thresholdCard;
const wanted = { tenant, purposeId: PurposeId.parse(purposeId), model, rule: identification, rotationVersion: 1 };
/** Of the one block that there is: its coordinates, without what is known of each row. */
const rowsBytes = 4_096 * model.dim;

/** What following the log does not bring about: so it cannot be what is seen here. */
describe('a gallery of a node', () => {
  let api: TestApi;
  let here: Hospital;
  beforeAll(async () => {
    api = await TestApi.start();
    here = await openIdentifying(api, tenant);
  });
  afterAll(() => api.close());

  it('is told of, and lets go of a template before the node says that it is evicted', async () => {
    const [nodes, galleries] = [api.app.get(Nodes), api.app.get(Galleries)];
    const face = faceOf(1);
    const { subjectId, templateId } = await findable(here, face);
    expect((await identified(here, face)).body.candidates).toEqual([expect.objectContaining({ subjectId })]);
    expect(galleries.remembers(tenant, templateId)).toBe(true);
    expect(galleries.remembers(TenantId.parse('there'), templateId)).toBe(false);
    expect(await nodes.holding({ tenant, templateId })).toHaveLength(1);
    expect(await nodes.evict({ tenant, templateId })).toMatchObject([{ outcome: 'evicted' }]);
    expect(await nodes.holding({ tenant, templateId })).toEqual([]);
    expect((await identify(here, face).expect(200)).body).toMatchObject({ candidates: [], gallery: { templates: 0 } });
  });

  it('only proposes: nobody is named whose consent a material notice ended, though the row is there', async () => {
    const face = faceOf(3);
    const { subjectId, templateId } = await findable(here, face);
    expect((await identified(here, face)).body.candidates).toEqual([expect.objectContaining({ subjectId })]);
    await here.dpo
      .put(`/v1/notices/${noticeId}`)
      .send({ ...notice, body: 'another text', supersedes: 1 })
      .expect(201);
    expect((await identify(here, face).expect(200)).body.candidates).toEqual([]);
    expect(api.app.get(Galleries).remembers(tenant, templateId)).toBe(true);
  });

  it('is empty once the node is fenced, and is not searched', async () => {
    const galleries = api.app.get(Galleries);
    const face = faceOf(2);
    const { templateId } = await findable(here, face);
    await identify(here, face).expect(200);
    expect(galleries.remembers(tenant, templateId)).toBe(true);
    const { gallery } = await galleries.of(wanted);
    const isZero = () =>
      new Uint8Array(gallery.memory.buffer, 0, gallery.layout.blocksFrom + rowsBytes).every((x) => !x);
    expect(isZero()).toBe(false);
    // It leaves those that compare: nothing else fences the one node of a process.
    await api.app.get(MatcherNode).onApplicationShutdown();
    expect(galleries.remembers(tenant, templateId)).toBe(false);
    expect([gallery.size, isZero()]).toEqual([0, true]);
    const { status, body } = await identify(here, face);
    expect([status, body]).toEqual([503, expect.objectContaining({ alternatives: ['id-card'] })]);
  });
});
