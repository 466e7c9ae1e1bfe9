import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { type Fact, SubjectId, TenantId } from '#lib/core';
import { Documents, type StoredEvent } from '#lib/ports';
import { consentId, nurse, otherConsentId, refusalId, subjectId, terms } from '../../../test/support/consent.js';
import { checkpointId, purposeId } from '../../../test/support/policy.js';
import { ConsentExpired, ConsentGiven, ConsentRefused, ConsentRenewed, ConsentWithdrawn } from './consent.stream.js';
import { ConsentsOfSubject } from './consents-of-subject.view.js';
import { DueConsents } from './due-consents.view.js';

const here = nurse.tenant;
const subject = SubjectId.parse(subjectId);
const thirdConsentId = '9d2e7b63-a5f4-4c1d-8b4f-6c8e9f2d3a44';
const fourthConsentId = 'ae3f8c74-b6a5-4d2e-9c5a-7d9fa03e4b55';
const anotherSubject = '6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a03';
const of = { subjectId, purposeId };

const facts: Fact[] = [
  ConsentGiven({ ...terms, consentId, validUntil: '2026-09-01T00:00:00Z' }),
  { type: 'access.key-revoked', version: 1, data: {} },
  ConsentGiven({ ...terms, consentId: thirdConsentId, purposeId: 'pharmacy', validUntil: '2026-08-01T00:00:00.5Z' }),
  ConsentRenewed({ ...terms, consentId: otherConsentId, replaces: consentId, validUntil: '2026-10-01T00:00:00Z' }),
  ConsentRefused({ refusalId, ...of, checkpointId, channel: 'kiosk-1' }),
  ConsentGiven({ ...terms, consentId: fourthConsentId, subjectId: anotherSubject, validUntil: '2026-07-01T00:00:00Z' }),
  ConsentExpired({ consentId: fourthConsentId, subjectId: anotherSubject, purposeId }),
  ConsentWithdrawn({ consentId: otherConsentId, ...of, channel: 'online' }),
];
const at = (n: number) => `2026-05-0${n}T00:00:00.000Z`;
const history = facts.map((fact, n): StoredEvent => {
  const place = { stream: 'any', revision: n + 1, sequence: n + 1, at: at(n + 1), actor: 'nurse' };
  return { ...fact, ...place, id: `event-${n}`, tenant: here };
});

describe('the views of consent', () => {
  let app: INestApplicationContext;
  let documents: Documents;
  beforeEach(async () => {
    app = await NestFactory.createApplicationContext(EmbeddedAdapters.inTemporaryFolder(), { logger: false });
    documents = app.get(Documents);
  });
  afterEach(() => app.close());

  it('show what came of each consent of a subject, in the order they were given', async () => {
    const view = new ConsentsOfSubject(documents);
    await view.take(history);
    const [first, second, third] = await view.of(here, subject, 0, 10);
    expect(first).toMatchObject({
      consent: { consentId, givenAt: at(1), replacedBy: otherConsentId, replacedAt: at(4) },
    });
    expect(second).toMatchObject({ consent: { consentId: thirdConsentId, terms: { purposeId: 'pharmacy' } } });
    expect(third).toMatchObject({ consent: { replaces: consentId, withdrawnAt: at(8), withdrawnThrough: 'online' } });
    expect(await view.of(here, subject, 0, 2)).toEqual([first, second]);
    expect(await view.of(here, subject, second?.place ?? 0, 10)).toEqual([third]);
    expect(await view.of(here, subject, third?.place ?? 0, 10)).toEqual([]);
  });

  it('show which consents stand, the first to end first', async () => {
    const view = new DueConsents(documents);
    await view.take(history.slice(0, 6));
    const due = (
      before: string,
      limit = 10,
      after = undefined as Awaited<ReturnType<typeof view.dueConsents>>[0] | undefined,
    ) => view.dueConsents(here, new Date(before), limit, after);
    const all = await due('2027-01-01T00:00:00Z');
    expect(all.map((each) => each.consentId)).toEqual([fourthConsentId, thirdConsentId, otherConsentId]);
    expect(all[0]).toEqual({
      ...of,
      consentId: fourthConsentId,
      subjectId: anotherSubject,
      validUntil: '2026-07-01T00:00:00Z',
    });
    expect(await due('2026-08-01T00:00:00.500Z')).toEqual(all.slice(0, 1));
    expect(await due('2026-08-01T00:00:00.501Z')).toEqual(all.slice(0, 2));
    expect(await due('2027-01-01T00:00:00Z', 2, all[0])).toEqual(all.slice(1));
    await view.take(history);
    expect(await due('2027-01-01T00:00:00Z')).toEqual(all.slice(1, 2));
  });

  it.each([1, 2, 3])('are the same when events come again and in batches of %i', async (size) => {
    const whole = [new ConsentsOfSubject(documents), new DueConsents(documents)] as const;
    for (const view of whole) await view.take(history);
    const shown = async () => [
      await whole[0].of(here, subject, 0, 10),
      await whole[1].dueConsents(here, new Date('2027-01-01T00:00:00Z'), 10),
    ];
    const once = await shown();
    for (const view of whole) {
      await view.clear(here);
      for (let start = 0; start < history.length; start += size) {
        await view.take(history.slice(Math.max(0, start - 1), start + size));
      }
    }
    expect(await shown()).toEqual(once);
  });

  it('show nothing to another tenant', async () => {
    const there = TenantId.parse('there');
    const [list, due] = [new ConsentsOfSubject(documents), new DueConsents(documents)];
    await list.take(history);
    await due.take(history);
    expect(await list.of(there, subject, 0, 10)).toEqual([]);
    expect(await due.dueConsents(there, new Date('2027-01-01T00:00:00Z'), 10)).toEqual([]);
  });
});
