import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TenantId } from '#lib/core';
import { EventStore } from '#lib/ports';
import type { Call } from '../support/calls.js';
import { chance } from '../support/chance.js';
import { family } from '../support/family.js';
import { run } from '../support/process.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';
import { withStores } from '../support/stores.js';
import { faceOf } from '../support/templates.js';

/** One process and its folder; or several and their servers, on the same two cores. */
const isSmall = family.name === 'embedded';
const seeds = Array.from(
  { length: Number(process.env.KILL_ROUNDS ?? (isSmall ? 20 : 4)) },
  (_, n) => Number(process.env.KILL_SEED ?? 1) + n,
);
const writesMax = isSmall ? 2_000 : 500;
const lanes = isSmall ? 64 : 16;
const tenant = TenantId.parse('here');

type Answer = Awaited<ReturnType<Site['call']>>;

/** A write, and what became of it. */
class Write {
  isSent = false;
  answer: Answer | undefined;

  constructor(
    readonly call: Call,
    /** The fact that it is to leave in the log, once. */
    readonly fact: string,
  ) {}
}

/** What happens to one patient, in this order. Some withdraw. */
class Patient {
  readonly writes: readonly Write[];
  private readonly ids = { subject: randomUUID(), consent: randomUUID(), template: randomUUID() };

  constructor(site: Site, n: number, withdraws: boolean) {
    const { subject, consent, template } = this.ids;
    const face = faceOf(n);
    const withdrawal = new Write(site.withdrawal(consent), `consent.withdrawn ${consent}`);
    this.writes = [
      new Write(site.registration(subject), `subject.registered ${subject}`),
      new Write(site.agreement(subject, consent), `consent.given ${consent}`),
      new Write(site.enrolment(subject, template, face), `template.enrolled ${template}`),
      new Write(site.verification(subject, face), `matching.decided ${subject}`),
      ...(withdraws ? [withdrawal] : []),
    ];
  }

  get next(): Write | undefined {
    return this.writes.find(({ answer }) => !answer);
  }

  /** The reads that must show what was acknowledged. */
  async shown(site: Site): Promise<string[]> {
    const [registered, given, enrolled, , withdrawn] = this.writes;
    const { subject, consent, template } = this.ids;
    const get = (path: string) => site.ask({ method: 'GET', path: `/v1/${path}`, as: 'backend' });
    const wrong: string[] = [];
    const check = (is: boolean, what: string) => void (is || wrong.push(what));
    if (registered?.answer) check((await get(`subjects/${subject}`)).subjectId === subject, `subject ${subject}`);
    if (given?.answer) {
      const { state } = await get(`consents/${consent}`);
      check(state === 'withdrawn' ? withdrawn?.isSent === true : state === 'given', `consent ${consent}: ${state}`);
      if (withdrawn?.answer) check(state === 'withdrawn', `withdrawal of ${consent}: ${state}`);
    }
    if (enrolled?.answer) {
      const { state } = await get(`templates/${template}`);
      check(state === 'active' || withdrawn?.isSent === true, `template ${template}: ${state}`);
    }
    return wrong;
  }

  /** What was acknowledged, asked for again: answered as the first time, where a later write did not change that. */
  async repeated(site: Site): Promise<string[]> {
    const wrong: string[] = [];
    const isEnding = this.writes[4]?.isSent;
    for (const { call, answer, fact } of this.writes) {
      if (!answer || (isEnding && call.path.startsWith('/v1/templates'))) continue;
      const { status, body } = await site.insist(call);
      const isSame = call.method === 'POST' ? JSON.stringify(body) === JSON.stringify(answer.body) : true;
      if (status !== 200 || !isSame) wrong.push(`${fact}: ${status} ${JSON.stringify(body)}`);
    }
    return wrong;
  }
}

async function inLanes<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  const lane = async () => {
    for (let item = rest.next(); !item.done; item = rest.next()) await work(item.value);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

describe(`kill -9 in the middle of ${writesMax} writes`, () => {
  const parent = mkdtempSync(join(tmpdir(), 'lethe-kill-'));
  const folder = join(parent, 'data');
  const copy = join(parent, 'copy');
  let server: Server;
  let site: Site;
  let patients: Patient[] = [];
  let born = 0;
  const facts = new Map<string, number>();
  let looked = 0;

  beforeAll(async () => {
    server = await Server.start(folder);
    site = await Site.open(server);
  });
  afterAll(async () => {
    await server?.end('SIGKILL');
    await family.remove(folder);
    rmSync(parent, { recursive: true });
  });

  /** Those that the last round left in the middle, and new ones: the former try again what was not answered. */
  const admitted = (random: () => number) => {
    const begun = patients.filter(({ next }) => next);
    let writes = begun.length;
    while (writes < writesMax) {
      const patient = new Patient(site, ++born, random() < 0.5);
      begun.push(patient);
      writes += patient.writes.length;
    }
    return begun;
  };

  /** Writes until about so many are acknowledged, and the server is dead. Answers other than yes are returned. */
  const writeUntil = async (count: number, pauseMs: number) => {
    const refused: string[] = [];
    let acknowledged = 0;
    let isDead = false;
    const kill = Promise.withResolvers<void>();
    const writing = inLanes(patients, async (patient) => {
      for (let write = patient.next; write && !isDead; write = patient.next) {
        write.isSent = true;
        const answer = await site.insist(write.call).catch(() => undefined);
        if (!answer) return;
        // The attempt that died with the last server counts as running for 30 s: to be asked for again later.
        if (answer.status === 409 && answer.body.type === 'urn:lethe:problem:idempotency.in-use') return;
        if (answer.status > 201) refused.push(`${write.fact}: ${answer.status} ${answer.text}`);
        if (answer.status > 201) return;
        write.answer = answer;
        acknowledged += 1;
        if (acknowledged === count) kill.resolve();
      }
    });
    await Promise.race([kill.promise, writing]);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    isDead = true;
    await server.end('SIGKILL');
    await writing;
    return { acknowledged, refused };
  };

  /** Counts the facts of the log that came since the last time. */
  const look = async (store: EventStore) => {
    for (let page = await store.readLog(tenant, looked, 1_000); page.length > 0; ) {
      for (const { type, data } of page) {
        const { subjectId, consentId, templateId } = data as Record<string, string>;
        const ids: Record<string, string | undefined> = {
          'subject.registered': subjectId,
          'consent.given': consentId,
          'consent.withdrawn': consentId,
          'template.enrolled': templateId,
          'matching.decided': subjectId,
        };
        if (ids[type]) facts.set(`${type} ${ids[type]}`, (facts.get(`${type} ${ids[type]}`) ?? 0) + 1);
      }
      looked = page.at(-1)?.sequence ?? looked;
      page = await store.readLog(tenant, looked, 1_000);
    }
  };

  it.each(seeds)(
    'loses nothing and doubles nothing (seed %i)',
    async (seed) => {
      const random = chance(seed);
      patients = admitted(random);
      const asked = Math.floor((0.05 + 0.35 * random()) * writesMax);
      const { acknowledged, refused } = await writeUntil(asked, 20 * random());
      expect(refused).toEqual([]);
      expect(acknowledged).toBeGreaterThanOrEqual(asked);
      expect(patients.some(({ next }) => next)).toBe(true);

      // As the dead server left it: for the doctor, while another server starts.
      const left = await family.keep(folder, copy);
      const doctor = run('lethe', { DATA_FOLDER: left }, 'doctor');
      server = await Server.start(folder);
      site.move(server);
      const wrong: string[] = [];
      await inLanes(patients, async (patient) => {
        wrong.push(...(await patient.shown(site)), ...(await patient.repeated(site)));
      });
      expect(wrong).toEqual([]);

      const { code, printed, complained } = await doctor;
      expect(printed.split('\n').filter((line) => line.startsWith('FAIL'))).toEqual([]);
      expect({ code, isWell: printed.endsWith('all is well\n') }).toEqual({ code: 0, isWell: true });
      expect(complained).not.toMatch(/error/i);
      await withStores(left, (stores) => look(stores.get(EventStore)));
      const written = patients.flatMap(({ writes }) => writes);
      expect(written.filter(({ answer, fact }) => answer && facts.get(fact) !== 1)).toEqual([]);
      expect([...facts].filter(([, count]) => count > 1)).toEqual([]);
    },
    isSmall ? 120_000 : 300_000,
  );
});
