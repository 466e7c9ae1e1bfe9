import { randomUUID } from 'node:crypto';
import { TenantId } from '#lib/core';
import { EventStore, KeyTable, StoreUnavailable } from '#lib/ports';
import { Sweeper } from '#lib/retention';
import { TestApi } from '../support/api.js';
import { enrolled, erasureOf } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';

const tenant = TenantId.parse('here');
/** No sweep but those a test asks for. */
const never = 100_000 * 86_400_000;

describe('a subject whose key cannot be destroyed for now', () => {
  let api: TestApi;
  let here: Hospital;
  let mend: () => void;
  const stuck = randomUUID();
  beforeAll(async () => {
    api = await TestApi.start({ sweepEveryMs: never });
    here = await Hospital.open(api);
    const table = api.app.get(KeyTable);
    const erase = table.erase.bind(table);
    table.erase = async (of, keyIds) => {
      if (keyIds.includes(`subject-${stuck}`)) throw new StoreUnavailable();
      return erase(of, keyIds);
    };
    mend = () => {
      table.erase = erase;
    };
  });
  afterAll(() => api.close());

  const isErased = async (subjectId: string) =>
    (await api.app.get(EventStore).read(tenant, `subject-${subjectId}`)).at(-1)?.type === 'subject.erased';
  const erased = async (subjectId: string) => {
    for (let tries = 0; tries < 200 && !(await isErased(subjectId)); tries++) await api.clock.sleep(25);
    return isErased(subjectId);
  };
  const sweep = () => api.app.get(Sweeper).sweep(tenant);

  it('keeps nobody else waiting, and is erased by the sweep as soon as it can be', async () => {
    await here.register(stuck);
    const { subjectId, templateId } = await enrolled(here);
    await here.registrar.delete(`/v1/subjects/${stuck}`).expect(202);
    await here.registrar.delete(`/v1/subjects/${subjectId}`).expect(202);
    await erasureOf(here, templateId);
    expect(await erased(subjectId)).toBe(true);

    expect(await sweep()).toMatchObject({ failed: ['subjects'] });
    expect(await isErased(stuck)).toBe(false);
    mend();
    expect(await sweep()).toMatchObject({ failed: [] });
    expect(await isErased(stuck)).toBe(true);
    const { body } = await here.registrar.get(`/v1/subjects/${stuck}`).expect(404);
    expect(body.type).toBe('urn:lethe:problem:subjects.missing');
  });
});
