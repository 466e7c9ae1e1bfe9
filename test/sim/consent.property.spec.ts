import { randomInt, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { LogAudit } from '#lib/audit';
import { type KeyRole, TenantId } from '#lib/core';
import { Sweeper } from '#lib/retention';
import { TestApi } from '../support/api.js';
import { agreement } from '../support/consent.js';
import { embeddingOf } from '../support/enrolment.js';
import { family } from '../support/family.js';
import { logOf } from '../support/log.js';
import {
  assessment,
  checkpoint,
  newThresholdCard,
  newThresholdCardId,
  notice,
  purpose,
  thresholdCard,
  thresholdCardId,
} from '../support/policy.js';
import { enrolment, faceOf } from '../support/templates.js';
import { type Act, type Done, Model } from './consent-model.js';

const runs = 200;
const patienceMs = family.name === 'embedded' ? 300_000 : 600_000;
const dayMs = 86_400_000;
const assessedDays = 12;
const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
const { id: model, version: modelVersion } = thresholdCard.model;

const one = <A extends Act>(does: A['does'], more: object = {}) => fc.record({ does: fc.constant(does), ...more });
const few = (weighted: readonly [number, fc.Arbitrary<object>][]) =>
  fc.array(fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }))), {
    maxLength: 2,
  }) as fc.Arbitrary<Act[]>;
const which = { which: fc.nat(9) };

/** People who act at once, each one thing after another. */
const round = fc.tuple(
  few([[1, one('give', { lastsDays: fc.integer({ min: 1, max: 30 }) })]]),
  few([
    [6, one('withdraw', which)],
    [3, one('erase-template', which)],
    [1, one('erase-subject')],
  ]),
  few([
    [2, one('suspend')],
    [4, one('activate')],
    [2, one('publish', { material: fc.boolean() })],
    [3, one('wait', { days: fc.integer({ min: 0, max: 8 }) })],
    [1, one('sweep')],
    [1, one('change-card')],
    [2, one('assess')],
  ]),
  few([
    [1, one('enrol')],
    [3, one('match')],
  ]),
  few([[1, one('match')]]),
);
const begun: readonly Act[][][] = [[[{ does: 'give', lastsDays: 6 }]], [[{ does: 'enrol' }]], [[{ does: 'match' }]]];

/** What chance seldom comes to: a consent that outlasts the assessment. */
const lapsing: Act[][][] = [
  [[{ does: 'give', lastsDays: 30 }]],
  [
    [
      { does: 'wait', days: 8 },
      { does: 'wait', days: 8 },
    ],
  ],
  [[{ does: 'match' }]],
];

/** Nor to this: a threshold card that nobody assessed, and nothing else in its way. */
const recarded: Act[][][] = [
  [[{ does: 'change-card' }]],
  [[{ does: 'match' }], [{ does: 'enrol' }]],
  [[{ does: 'assess' }]],
  [[{ does: 'match' }]],
];

/** One case: a subject and a purpose of its own in a hospital that all cases share. */
class Case {
  private readonly name = `case-${randomUUID()}`;
  private readonly subjectId = randomUUID();
  private readonly hashes = new Map<number, string>();
  readonly model: Model;
  private ticks = 0;
  private cards = [thresholdCardId, newThresholdCardId];

  constructor(
    private readonly api: TestApi,
    private readonly keys: Readonly<Record<string, string>>,
  ) {
    this.model = new Model(this.nowMs() + assessedDays * dayMs);
  }

  nowMs(): number {
    return this.api.clock.now().getTime();
  }

  private async send(role: string, method: 'DELETE' | 'POST' | 'PUT', url: string, payload?: object) {
    const authorization = `Bearer ${this.keys[role]}`;
    const answer = await this.api.app.inject({ method, url, headers: { authorization }, ...(payload && { payload }) });
    return { status: answer.statusCode, body: answer.body ? answer.json() : {} };
  }

  private at = (days: number) => new Date(this.nowMs() + days * dayMs).toISOString();

  async prepare(): Promise<void> {
    const { name } = this;
    const said = [
      await this.publish(true),
      await this.send('dpo', 'PUT', `/v1/purposes/${name}`, { ...purpose, noticeId: name }),
      await this.assess(name),
      await this.send('dpo', 'PUT', `/v1/checkpoints/${name}`, { ...checkpoint, purposeId: name }),
      await this.send('dpo', 'POST', `/v1/purposes/${name}/activation`, {}),
      await this.send('backend', 'PUT', `/v1/subjects/${this.subjectId}`, { externalRef: name, kind: 'patient' }),
    ];
    const failed = said.filter(({ status }) => status >= 300);
    if (failed.length > 0) throw new Error(`cannot begin: ${JSON.stringify(failed)}`);
  }

  private async assess(id: string) {
    const covered = { ...assessment, purposes: [this.name], validUntil: this.at(assessedDays) };
    await this.send('dpo', 'PUT', `/v1/assessments/${id}`, covered);
    return this.send('second', 'POST', `/v1/assessments/${id}/approval`, {});
  }

  private async changeCard() {
    const [before = '', thresholdCardId = ''] = this.cards;
    const answer = await this.send('dpo', 'PUT', `/v1/purposes/${this.name}/threshold-card`, { thresholdCardId });
    if (answer.status < 300) this.cards = [thresholdCardId, before];
    return answer;
  }

  private async publish(material: boolean) {
    const supersedes = this.hashes.size > 0 ? { supersedes: this.hashes.size } : {};
    const text = { ...notice, material, body: `text ${this.hashes.size + 1}`, ...supersedes };
    const answer = await this.send('dpo', 'PUT', `/v1/notices/${this.name}`, text);
    if (answer.status < 300) this.hashes.set(answer.body.version, answer.body.hash);
    return answer;
  }

  private give(id: string, lastsDays: number) {
    const { subjectId, name: purposeId } = this;
    const noticeVersion = this.model.shownVersion;
    const shown = { noticeId: purposeId, noticeVersion, noticeHash: this.hashes.get(noticeVersion) };
    const validUntil = this.at(lastsDays);
    return this.send('backend', 'PUT', `/v1/consents/${id}`, {
      ...agreement,
      subjectId,
      purposeId,
      ...shown,
      validUntil,
    });
  }

  /** Does it, with the id it is about. */
  private async act(act: Act, id: string): Promise<{ status: number; body: Done['body'] }> {
    const { subjectId, name } = this;
    switch (act.does) {
      case 'give': {
        const answer = await this.give(id, act.lastsDays);
        return { ...answer, body: { noticeVersion: this.model.shownVersion, ...answer.body } };
      }
      case 'withdraw':
        return this.send('backend', 'POST', `/v1/consents/${id}/withdrawal`, { channel: 'counter' });
      case 'erase-template':
        return this.send('backend', 'DELETE', `/v1/templates/${id}`);
      case 'erase-subject':
        return this.send('backend', 'DELETE', `/v1/subjects/${subjectId}`);
      case 'suspend':
      case 'activate':
        return this.send(
          'dpo',
          'POST',
          `/v1/purposes/${name}/${act.does === 'suspend' ? 'suspension' : 'activation'}`,
          {},
        );
      case 'change-card':
        return this.changeCard();
      case 'assess':
        return this.assess(id);
      case 'publish':
        return this.publish(act.material);
      case 'wait':
        this.api.clock.advance(act.days * dayMs);
        return { status: 200, body: {} };
      case 'sweep':
        await this.api.app.get(Sweeper).sweep(TenantId.parse('here'));
        return { status: 200, body: {} };
      case 'enrol': {
        const body = { ...enrolment, subjectId, purposeId: name, embedding: embeddingOf(faceOf(1)) };
        return this.send('backend', 'PUT', `/v1/templates/${id}`, body);
      }
      case 'match': {
        const query = new URLSearchParams({ subjectId, purposeId: name, model, modelVersion });
        const headers = { authorization: `Bearer ${this.keys.backend}`, 'content-type': 'application/octet-stream' };
        const url = `/v1/matches/verify?${query.toString()}`;
        const answer = await this.api.app.inject({ method: 'POST', url, headers, payload: Buffer.from(faceOf(1)) });
        return { status: answer.statusCode, body: answer.json() };
      }
    }
  }

  private idFor(act: Act): string {
    const known = act.does === 'withdraw' ? this.model.consentIds : this.model.templateIds;
    return ('which' in act ? known[act.which % known.length] : undefined) ?? randomUUID();
  }

  /** What the people of one round did, in the order each of them did it; and what of it must not be. */
  async play(lanes: readonly (readonly Act[])[]): Promise<{ readonly done: Done[]; readonly wrong: string[] }> {
    const nowMs = this.nowMs();
    const lane = async (acts: readonly Act[]) => {
      const done: Done[] = [];
      for (const act of acts) {
        const beganAt = ++this.ticks;
        const id = this.idFor(act);
        const answer = await this.act(act, id);
        done.push({ act, beganAt, endedAt: ++this.ticks, id, ...answer });
      }
      return done;
    };
    const done = (await Promise.all(lanes.map(lane))).flat();
    return { done, wrong: this.model.take(done, nowMs) };
  }
}

describe('P1 and P2', () => {
  let api: TestApi;
  const keys: Record<string, string> = {};
  const never = 100_000 * dayMs;
  beforeAll(async () => {
    api = await TestApi.start({ sweepEveryMs: never });
    await api.register('here');
    const roles: Record<string, KeyRole> = { dpo: 'dpo', second: 'dpo', backend: 'backend' };
    for (const [name, role] of Object.entries(roles)) {
      const { body } = await api.admin().post('/v1/tenants/here/keys').send({ role, label: name }).expect(201);
      keys[name] = body.key;
    }
    const dpo = api.holder(keys.dpo ?? '');
    await dpo.put(`/v1/threshold-cards/${thresholdCardId}`).send(thresholdCard).expect(201);
    await dpo.put(`/v1/threshold-cards/${newThresholdCardId}`).send(newThresholdCard).expect(201);
  });
  afterAll(() => api.close());

  it(
    `hold however people act at once: ${runs} cases of seed ${seed}`,
    async () => {
      const audit = new LogAudit();
      let head = 0;
      const seen = new Map<string, number>();
      const count = ({ act, status, body }: Done) => {
        const what = `${act.does} ${body.decision ?? body.reason ?? status}`;
        seen.set(what, (seen.get(what) ?? 0) + 1);
      };
      const cases: fc.Arbitrary<Act[][][]> = fc.array(round, { minLength: 1, maxLength: 4 });
      const property = fc.asyncProperty(cases, async (rounds) => {
        const played = new Case(api, keys);
        await played.prepare();
        const wrong: string[] = [];
        for (const lanes of [...begun, ...rounds]) {
          const outcome = await played.play(lanes);
          wrong.push(...outcome.wrong);
          outcome.done.forEach(count);
        }
        const log = await logOf(api, 'here', head);
        head += log.length;
        expect({ wrong, violations: log.flatMap((event) => audit.add(event)) }).toEqual({ wrong: [], violations: [] });
      });
      // What runs at once does not run the same twice, so there is nothing to shrink.
      await fc.assert(property, { numRuns: runs, seed, endOnFailure: true, examples: [[lapsing], [recarded]] });

      expect(audit.looked().accepts).toBe(seen.get('match accept'));
      expect(seen.get('match accept')).toBeGreaterThan(runs);
      const reasons = [
        'consent-withdrawn',
        'consent-expired',
        'purpose-not-active',
        'notice-superseded',
        'assessment-lapsed',
      ];
      for (const reason of reasons) expect([reason, seen.get(`match ${reason}`) ?? 0]).not.toEqual([reason, 0]);
      expect(seen.get('change-card 200')).toBeGreaterThan(0);
      expect(seen.get('enrol 201')).toBeGreaterThan(runs);
    },
    patienceMs,
  );
});
