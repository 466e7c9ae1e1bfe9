import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { DynamicModule, ValueProvider } from '@nestjs/common';
import { TenantId } from '#lib/core';
import { type Job, Jobs } from '#lib/ports';
import { TestApi } from '../support/api.js';
import { addEnrolled } from '../support/backlog.js';
import { enrolled, erasureOf } from '../support/enrolment.js';
import { family } from '../support/family.js';
import { Hospital } from '../support/hospital.js';
import { run } from '../support/process.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';
import { entriesOf, recordsOf } from '../support/stores.js';

/** One process and its folder; or several and their servers, on the same two cores. */
const isSmall = family.name === 'embedded';
const dayMs = 86_400_000;
const tenant = TenantId.parse('here');

/** Loses every job it is asked for. */
class LostJobs extends Jobs {
  readonly lost: Job[] = [];

  handle(): void {}

  async schedule(job: Job): Promise<void> {
    this.lost.push(job);
  }

  async cancel(): Promise<void> {}

  async waiting(): Promise<number> {
    return 0;
  }

  async close(): Promise<void> {}
}

describe('a sweep, with every job lost', () => {
  const jobs = new LostJobs();
  const over = (adapters: DynamicModule): DynamicModule => ({
    ...adapters,
    providers: (adapters.providers ?? []).map((provider) => {
      const { provide } = provider as ValueProvider;
      return provide === Jobs ? { provide, useValue: jobs } : provider;
    }),
  });

  it('deletes on time, by the clock alone', async () => {
    const api = await TestApi.start({ sweepEveryMs: 60_000 }, over);
    const here = await Hospital.open(api);
    const { templateId, template } = await enrolled(here);
    const state = async () => (await here.backend.get(`/v1/templates/${templateId}`).expect(200)).body.state;
    api.clock.advance(180 * dayMs - 30_000);
    for (let tries = 0; jobs.lost.length === 0 && tries < 200; tries++) await pause(25);
    expect(jobs.lost).toMatchObject([{ kind: 'erase-due', tenant }]);
    expect(await state()).toBe('active');

    api.clock.advance(60_000);
    const { trigger, blockedAt, erasedAt } = await erasureOf(here, templateId);
    expect(trigger).toBe('inactivity');
    expect(Date.parse(blockedAt) - Date.parse(template.dueAt)).toBeLessThanOrEqual(60_000);
    expect(Date.parse(erasedAt) - Date.parse(template.dueAt)).toBeLessThanOrEqual(61_000);
    await api.close();
  });

  it(
    'from the command line ends what it begins',
    async () => {
      const folder = join(mkdtempSync(join(tmpdir(), 'lethe-sweep-')), 'data');
      const server = await Server.start(folder);
      await Site.open(server);
      await server.end('SIGTERM');
      await addEnrolled(folder, tenant, 20, new Date(Date.now() - 400 * dayMs));
      const { code, printed, complained } = await run('lethe', { DATA_FOLDER: folder }, 'sweep');
      // That a server was slow to answer is said, and no fault; where there is none, nothing is to be said.
      const isFault = (line: string) => line !== '' && (isSmall || !line.includes(' WARN '));
      expect({ code, faults: complained.split('\n').filter(isFault) }).toEqual({ code: 0, faults: [] });
      expect(JSON.parse(printed)).toMatchObject({ erasuresBegun: 20, erasuresFinished: 20, failed: [] });
      expect(await recordsOf(folder, tenant)).toEqual([]);
      await family.remove(folder);
    },
    isSmall ? 30_000 : 120_000,
  );
});

/** What /metrics says of a server. */
interface Look {
  readonly overdue: number;
  readonly residentMb: number;
}

async function look(server: Server): Promise<Look> {
  const text = await server.figures();
  const metric = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    overdue: metric('lethe_templates_overdue'),
    residentMb: metric('process_resident_memory_bytes') / 2 ** 20,
  };
}

const lookMax = 1_200;
/** However many are due. */
const heapMaxMb = 256;
const residentMaxMb = 640;
const growthMaxMb = 96;

/** 100,000 take minutes: `npm run test:sweep`. */
const count = Number(process.env.SWEEP_TEMPLATES ?? (isSmall ? 5_000 : 1_000));
/** Each look counts all that are late. */
const lookEveryMs = Math.max(1_000, count / 10);

describe(`a sweep over ${count} templates that are due`, () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'lethe-sweep-')), 'data');
  let server: Server | undefined;
  afterAll(async () => {
    await server?.end('SIGKILL');
    await family.remove(folder);
  });

  it('comes to its end page by page, in memory that does not grow with them', async () => {
    server = await Server.start(folder);
    const site = await Site.open(server);
    await site.ask(site.registration('00000000-0000-4000-8000-000000000001'));
    await server.end('SIGTERM');
    await addEnrolled(folder, tenant, count, new Date(Date.now() - 400 * dayMs));
    expect(await run('lethe', { DATA_FOLDER: folder }, 'rebuild')).toMatchObject({ code: 0 });

    // What it may keep at all: with memory that grew with what is due, it would not live to the end.
    server = await Server.start(folder, { SWEEP_SECONDS: '1', NODE_OPTIONS: `--max-old-space-size=${heapMaxMb}` });
    site.move(server);
    const looks: Look[] = [];
    // A worker knows nothing of what is late before it follows the log, a few seconds after its start.
    for (let tries = 0; !isSmall && tries < 240; tries++) {
      if ((await look(server)).overdue > 0) break;
      await pause(250);
    }
    do {
      looks.push(await look(server));
      // Whoever asked for more has minutes to wait.
      if (process.env.SWEEP_TEMPLATES) process.stderr.write(`${JSON.stringify(looks.at(-1))}\n`);
      await pause(lookEveryMs);
    } while (looks.at(-1)?.overdue !== 0 && looks.length < lookMax);
    const late = looks.map(({ overdue }) => overdue);
    expect(late[0]).toBeGreaterThan(0);
    expect(late).toEqual(late.toSorted((a, b) => b - a));
    expect(late.at(-1)).toBe(0);

    const half = looks.length >> 1;
    const [first, second] = [looks.slice(0, half), looks.slice(half)].map((part) =>
      Math.max(...part.map(({ residentMb }) => residentMb)),
    ) as [number, number];
    expect(second).toBeLessThan(residentMaxMb);
    expect(second - first).toBeLessThan(growthMaxMb);

    const shown = { method: 'GET', path: '/v1/retention/overdue', as: 'dpo' } as const;
    expect(await site.ask(shown)).toEqual({ items: [], next: null });
    // Over servers views may be late, on a busy machine: then it is tried once more.
    const complaints = isSmall ? server.complained : '';
    expect(complaints).not.toMatch(/not erased yet/);
    await server.end('SIGTERM');
    // Nothing is left of them but what the log says.
    expect(await recordsOf(folder, tenant)).toEqual([]);
    expect((await entriesOf(folder, tenant)).map(({ keyId }) => keyId.replace(/-.*/, ''))).toEqual(['subject']);
  }, 1_800_000);
});
