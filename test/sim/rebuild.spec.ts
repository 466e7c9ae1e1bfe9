import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Documents, EventStore, type StoredDocument, Views } from '#lib/ports';
import { createApi } from '../../apps/api/src/api.js';
import type { Call } from '../support/calls.js';
import { chance } from '../support/chance.js';
import { family } from '../support/family.js';
import { checkpointId, purposeId } from '../support/policy.js';
import { run } from '../support/process.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';
import { faceOf } from '../support/templates.js';

const seed = Number(process.env.REBUILD_SEED ?? 1);
const tenants = ['here', 'there'];
const patientsPerTenant = 40;
const pageMax = 500;
const shortMs = 6_000;

/** A patient to whom some of all that can happen happens. */
async function live(site: Site, random: () => number, n: number): Promise<void> {
  const [subjectId, consentId, templateId] = [randomUUID(), randomUUID(), randomUUID()];
  const often = (share: number) => random() < share;
  await site.ask(site.registration(subjectId));
  if (often(0.2)) {
    const body = { subjectId, purposeId, checkpointId, channel: 'counter' };
    await site.ask({ method: 'PUT', path: `/v1/consent-refusals/${randomUUID()}`, as: 'registrar', body });
  }
  const isShort = often(0.15);
  const shortly = { validUntil: new Date(Date.now() + shortMs).toISOString() };
  await site.ask(site.agreement(subjectId, consentId, 'signed form', isShort ? shortly : {}));
  if (often(0.8)) {
    // Over servers, on a busy machine, a short consent may be over before that.
    const mayBeLate = isShort && family.name === 'cluster';
    const send = (call: Call) => (mayBeLate ? site.call(call) : site.ask(call));
    await send(site.enrolment(subjectId, templateId, faceOf(n)));
    for (const probe of [n, n, n + 1_000]) await send(site.verification(subjectId, faceOf(probe)));
  }
  if (isShort) return;
  const later = { validUntil: new Date(Date.now() + 250 * 86_400_000).toISOString() };
  if (often(0.3)) await site.ask(site.agreement(subjectId, randomUUID(), 'signed again', later));
  if (often(0.3)) await site.ask(site.withdrawal(consentId));
  if (often(0.2)) await site.ask({ method: 'DELETE', path: `/v1/subjects/${subjectId}`, as: 'registrar' });
}

describe('views', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'lethe-rebuild-')), 'data');
  let server: Server | undefined;
  afterAll(async () => {
    await server?.end('SIGKILL');
    await family.remove(folder);
  });

  /** Every view of every tenant, document by document in their order, as text; and who is known by which reference. */
  const dump = async (catchUp = false) => {
    const api = await createApi(await family.openFolder(folder), { follow: false });
    api.useLogger(false);
    await api.init();
    const [documents, views] = [api.get(Documents), api.get(Views)];
    if (catchUp) await views.catchUp();
    const shown: Record<string, string[]> = {};
    for (const tenant of await api.get(EventStore).tenants()) {
      for (const collection of [...views.all().map(({ name }) => name), 'references']) {
        const found: StoredDocument<Record<string, unknown>>[] = [];
        for (;;) {
          const after = found.at(-1);
          const range = {
            from: '',
            below: '~',
            limit: pageMax,
            ...(after && { after: { key: after.key, id: after.id } }),
          };
          const page = await documents.range<Record<string, unknown>>(tenant, collection, range);
          found.push(...page);
          if (page.length < pageMax) break;
        }
        // A reference is no view: it is claimed a moment before the log knows of it.
        const lines = found.map((each) =>
          collection === 'references' ? `${each.id} ${String(each.body.subjectId)}` : JSON.stringify(each),
        );
        shown[`${tenant}/${collection}`] = collection === 'references' ? lines.sort() : lines;
      }
    }
    await api.close();
    return shown;
  };

  it('are built again from the log to the same bytes, over old ones and without any', async () => {
    server = await Server.start(folder, { SWEEP_SECONDS: '1' });
    for (const [of, tenant] of tenants.entries()) {
      const site = await Site.open(server, tenant);
      // To each a chance of their own: who is answered first must not decide what becomes of whom.
      const chanceOf = (n: number) => chance((seed * tenants.length + of) * patientsPerTenant + n);
      await Promise.all(Array.from({ length: patientsPerTenant }, (_, n) => live(site, chanceOf(n), n)));
    }
    // Short consents end, and sweeps find them.
    await pause(shortMs + 2_000);
    await server.end('SIGTERM');

    const lived = await dump(true);
    const sizes = Object.fromEntries(Object.entries(lived).map(([name, lines]) => [name, lines.length]));
    for (const tenant of tenants) {
      for (const view of ['consents', 'due', 'templates', 'references']) {
        expect(sizes[`${tenant}/${view}`]).toBeGreaterThan(patientsPerTenant / 4);
      }
    }
    expect(await run('lethe', { DATA_FOLDER: folder }, 'rebuild')).toMatchObject({ code: 0 });
    expect(await dump()).toEqual(lived);

    await family.loseViews(folder);
    expect(await run('lethe', { DATA_FOLDER: folder }, 'rebuild')).toMatchObject({ code: 0 });
    expect(await dump()).toEqual(lived);
    // Nobody need do anything: whoever starts without them follows the log from its beginning.
    await family.loseViews(folder);
    const { 'here/references': _here, 'there/references': _there, ...views } = lived;
    expect(await dump(true)).toMatchObject(views);
  }, 120_000);
});
