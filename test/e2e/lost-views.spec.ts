import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { family } from '../support/family.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';
import { faceOf } from '../support/templates.js';

describe('a server whose views are lost', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'lethe-views-')), 'data');
  const [subjectId, templateId] = [randomUUID(), randomUUID()];
  let server: Server;
  let site: Site;

  beforeAll(async () => {
    server = await Server.start(folder);
    site = await Site.open(server);
    await site.ask(site.registration(subjectId, 'MRN-1'));
    await site.ask(site.agreement(subjectId, randomUUID()));
    await site.ask(site.enrolment(subjectId, templateId, faceOf(1)));
    await server.end('SIGTERM');
  }, 60_000);
  afterAll(async () => {
    await server?.end('SIGKILL');
    await family.remove(folder);
  });

  it('shows and finds everything as before', async () => {
    await family.loseViews(folder);
    server = await Server.start(folder);
    site.move(server);
    const get = (path: string) => site.ask({ method: 'GET', path: `/v1/${path}`, as: 'backend' });
    const lookup = {
      method: 'POST',
      path: '/v1/subjects/lookup',
      as: 'backend',
      body: { externalRef: 'MRN-1' },
    } as const;
    expect(await site.ask(lookup)).toEqual({ subjectId });
    expect((await site.call(site.registration(randomUUID(), 'MRN-1'))).status).toBe(409);
    const { headers } = await site.call(site.enrolment(subjectId, templateId, faceOf(1)));
    const position = { 'lethe-position': String(headers['lethe-position']) };
    const templates = {
      method: 'GET',
      path: `/v1/templates?subjectId=${subjectId}`,
      as: 'backend',
      headers: position,
    } as const;
    expect((await site.ask(templates)).items).toMatchObject([{ templateId, state: 'active' }]);
    expect((await get(`subjects/${subjectId}`)).subjectId).toBe(subjectId);
    expect((await site.ask(site.verification(subjectId, faceOf(1)))).decision).toBe('accept');
  }, 30_000);
});
