import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { ConsentRenewed, ConsentWithdrawn } from '#lib/consent/contract';
import { type Fact, TenantId } from '#lib/core';
import { MatchDecided } from '#lib/matching/contract';
import { Clock, Documents, EventStore, type StoredEvent } from '#lib/ports';
import { TemplateEnrolled, TemplateErasureBegun, templateKey } from '#lib/templates/contract';
import { consentId, otherConsentId, subjectId, terms } from '../../../test/support/consent.js';
import { purposeId, thresholdCardId } from '../../../test/support/policy.js';
import { enrolment, otherTemplateId, templateId, templateTerms } from '../../../test/support/templates.js';
import { DueView, type Kept } from './due.view.js';

const tenant = TenantId.parse('here');
const of = { subjectId, purposeId };
const enrolled = TemplateEnrolled(templateTerms);
const other = TemplateEnrolled({ ...templateTerms, templateId: otherTemplateId });
const begun = (id: string) => TemplateErasureBegun({ ...of, templateId: id, trigger: 'requested' });
const decided = (decision: 'accept' | 'reject') =>
  MatchDecided({
    ...of,
    matchId: '5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f',
    decision,
    reasons: [],
    consentId,
    model: enrolment.model,
    thresholdCardId,
  });

describe('what is due', () => {
  let app: INestApplicationContext;
  let view: DueView;
  beforeEach(async () => {
    app = await NestFactory.createApplicationContext(EmbeddedAdapters.inTemporaryFolder(), { logger: false });
    view = new DueView(app.get(Documents));
  });
  afterEach(() => app.close());

  /** Facts with the instants they were decided at, in log order. */
  const logged = (...history: [at: string, fact: Fact][]) =>
    history.map(([at, fact], n): StoredEvent => {
      const place = { tenant, stream: 'any', revision: n + 1, sequence: n + 1 };
      return { ...fact, ...place, id: `event-${n}`, at: `${at}.000Z`, actor: 'somebody' };
    });
  const shown = async () => (await app.get(Documents).get<Kept>(tenant, view.name, [templateKey(of)]))[0];
  const shownAfter = async (...history: [at: string, fact: Fact][]) => {
    await view.take(logged(...history));
    return shown();
  };

  it('stands where its earliest template is due', async () => {
    const document = await shownAfter(['2026-06-01T10:00:00', enrolled], ['2026-07-01T10:00:00', other]);
    expect(document).toMatchObject({ key: '2026-11-28T10:00:00.000Z', sequence: 2 });
    expect(document?.body.templates).toHaveLength(2);
  });

  it('moves with the first accept of a day, and is not touched by the others', async () => {
    const history: [string, Fact][] = [
      ['2026-06-01T10:00:00', enrolled],
      ['2026-06-20T08:00:00', decided('accept')],
      ['2026-06-20T09:00:00', decided('accept')],
      ['2026-06-21T09:00:00', decided('reject')],
    ];
    expect(await shownAfter(...history)).toMatchObject({ key: '2026-12-17T00:00:00.000Z', sequence: 2 });
  });

  it('knows a use by what was stored, not by what somebody looked at before', async () => {
    const log = logged(
      ['2026-06-01T10:00:00', enrolled],
      ['2026-06-20T08:00:00', decided('accept')],
      ['2026-06-20T09:00:00', decided('accept')],
    );
    const events = log.map(({ id, type, version, data, at, actor }) => ({ id, type, version, data, at, actor }));
    await app.get(EventStore).append({ tenant, stream: 'any', expected: 0, events });
    view.readsFrom(app.get(EventStore));
    await view.take(log.slice(0, 1));
    const clock = app.get(Clock);
    const reached = view.reach(tenant, 3, clock);
    await clock.sleep(50);
    await view.take(log.slice(1));
    await reached;
    expect(await shown()).toMatchObject({ sequence: 2, body: { usedOn: '2026-06-20' } });
  });

  it('knows a use no more once what was used is gone, be it among the same facts as the next use', async () => {
    const log = logged(
      ['2026-06-20T07:00:00', enrolled],
      ['2026-06-20T08:00:00', decided('accept')],
      ['2026-06-20T09:00:00', begun(templateId)],
      ['2026-06-20T10:00:00', other],
      ['2026-06-20T11:00:00', decided('accept')],
    );
    await view.take(log.slice(0, 2));
    await view.take(log.slice(2));
    expect(await shown()).toMatchObject({ sequence: 5, body: { usedOn: '2026-06-20' } });
  });

  it('knows nothing of before when another process kept it meanwhile', async () => {
    const log = logged(
      ['2026-06-20T07:00:00', enrolled],
      ['2026-06-20T08:00:00', decided('accept')],
      ['2026-06-20T08:30:00', decided('accept')],
      ['2026-06-20T09:00:00', begun(templateId)],
      ['2026-06-20T10:00:00', other],
      ['2026-06-20T11:00:00', decided('accept')],
    );
    await view.take(log.slice(0, 3));
    await new DueView(app.get(Documents)).take(log.slice(3, 5));
    view.reread();
    await view.take(log.slice(5));
    expect(await shown()).toMatchObject({ sequence: 6, body: { usedOn: '2026-06-20' } });
  });

  it('goes with a consent, and stays with the one that renews it', async () => {
    const renewed = ConsentRenewed({
      ...terms,
      consentId: otherConsentId,
      replaces: consentId,
      validUntil: '2026-08-01T00:00:00Z',
    });
    const withdrawn = ConsentWithdrawn({ ...of, consentId: otherConsentId, channel: 'counter' });
    const history: [string, Fact][] = [
      ['2026-06-01T10:00:00', enrolled],
      ['2026-06-02T10:00:00', renewed],
    ];
    expect(await shownAfter(...history)).toMatchObject({ key: '2026-08-01T00:00:00.000Z' });
    const ended = await shownAfter(...history, ['2026-06-03T10:00:00', withdrawn]);
    expect(ended).toMatchObject({ key: '2026-06-03T10:00:00.000Z' });
  });

  it('is nothing once the erasure of the last one was begun', async () => {
    const history: [string, Fact][] = [
      ['2026-06-01T10:00:00', enrolled],
      ['2026-06-02T10:00:00', other],
      ['2026-06-03T10:00:00', begun(templateId)],
    ];
    expect((await shownAfter(...history))?.key).toBe('2026-11-29T10:00:00.000Z');
    expect(await shownAfter(...history, ['2026-06-04T10:00:00', begun(otherTemplateId)])).toBeUndefined();
  });
});
