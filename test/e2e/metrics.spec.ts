import { TestApi } from '../support/api.js';
import { enrolled, verify } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';

describe('what this process measures of itself', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.start();
  });
  afterAll(() => api.close());

  const metric = async (line: RegExp) =>
    Number(line.exec((await api.anybody().get('/metrics').expect(200)).text)?.[1] ?? 0);
  const told = () =>
    Promise.all([
      metric(/^lethe_events_total (\d+)$/m),
      metric(/^lethe_append_duration_seconds_count\{outcome="stored"\} (\d+)$/m),
    ]);

  it('counts every append, those of matches too', async () => {
    const here = await Hospital.open(api);
    const { subjectId } = await enrolled(here);
    const [events, appends] = await told();
    for (let n = 0; n < 3; n++) await verify(here, subjectId).expect(200);
    expect(await told()).toEqual([events + 3, appends + 3]);
  });
});
