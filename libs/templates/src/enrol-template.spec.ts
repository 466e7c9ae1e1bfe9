import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { ConsentGiven, ConsentStream, ConsentWithdrawn, consentKey } from '#lib/consent/contract';
import { ActorId, type EventDefinition, type EventOf, type Stream, TenantId } from '#lib/core';
import { DataKeys } from '#lib/keys/contract';
import {
  NoticePublished,
  NoticeStream,
  PurposeActivated,
  PurposeAssessed,
  PurposeDefined,
  PurposeStream,
  ThresholdCardPublished,
  ThresholdCardStream,
} from '#lib/policy/contract';
import { EventStore, KeyService, KeyTable, Random, Streams, Vault } from '#lib/ports';
import { SubjectRegistered, SubjectStream } from '#lib/subjects/contract';
import { TestClock } from '../../../test/support/clock.js';
import { consentId, subjectId, terms } from '../../../test/support/consent.js';
import {
  assessmentId,
  notice,
  noticeId,
  purpose,
  purposeId,
  thresholdCard,
  thresholdCardId,
} from '../../../test/support/policy.js';
import { enrolment, faceOf, templateId } from '../../../test/support/templates.js';
import type { Enrolment } from './decide-enrolment.js';
import { EnrolTemplate, EnrolTemplateHandler } from './enrol-template.js';
import { EnrolmentAttempts } from './enrolment-attempts.js';
import { type Template, TemplateStream, templateKey } from './template.stream.js';
import { TemplateRecords } from './template-records.js';
import { TemplateVault } from './template-vault.js';

const tenant = TenantId.parse('here');
const caller = { tenant, actor: ActorId.parse('backend') };
const key = { subjectId, purposeId };
const everything = { from: '', below: '~', limit: 100 };

class Stopped extends Error {}

/** What is counted over all ports of one plan: at the call when `left` comes to 0, and at all later ones, we stop. */
interface Plan {
  left: number;
  readonly when: 'before' | 'after';
}

/** A port whose writes stop as planned, before or after they took effect. */
const stopping = <P extends object>(port: P, names: readonly (keyof P)[], plan: Plan): P => {
  const stopped = names.map((name) => {
    const method = port[name] as (...asked: unknown[]) => Promise<unknown>;
    const call = async (...asked: unknown[]) => {
      plan.left -= 1;
      if (plan.left < 0 || (plan.left === 0 && plan.when === 'before')) throw new Stopped();
      const answer = await method.apply(port, asked);
      if (plan.left === 0) throw new Stopped();
      return answer;
    };
    return [name, { value: call }] as const;
  });
  return Object.create(port, Object.fromEntries(stopped));
};

describe('an enrolment', () => {
  let app: INestApplicationContext;
  let clock: TestClock;

  beforeEach(async () => {
    clock = new TestClock();
    app = await NestFactory.createApplicationContext(
      { module: class Adapters {}, imports: [CqrsModule.forRoot(), EmbeddedAdapters.inTemporaryFolder(clock)] },
      { logger: false },
    );
    await app.get(KeyService).provision(tenant);
    const put = <S, D extends EventDefinition>(kind: Stream<S, D>, id: string, ...facts: EventOf<D>[]) =>
      parts().streams.change(caller, kind, id, () => facts);
    const hash = terms.noticeHash;
    await put(NoticeStream, noticeId, NoticePublished({ ...notice, noticeId, version: 2, hash }));
    await put(ThresholdCardStream, thresholdCardId, ThresholdCardPublished({ thresholdCardId, terms: thresholdCard }));
    await put(
      PurposeStream,
      purposeId,
      PurposeDefined({ purposeId, terms: { ...purpose, operations: ['verify'], modes: ['central'] } }),
      PurposeAssessed({ purposeId, assessmentId, validUntil: '2027-05-01T00:00:00Z' }),
      PurposeActivated({ purposeId }),
    );
    await put(SubjectStream, subjectId, SubjectRegistered({ subjectId, kind: 'patient', sealed: 'c2VhbGVk' }));
    await put(ConsentStream, consentKey(key), ConsentGiven({ ...terms, consentId }));
  });
  afterEach(() => app.close());

  const parts = (plan: Plan = { left: Number.POSITIVE_INFINITY, when: 'before' }) => {
    const random = app.get(Random);
    const streams = new Streams(stopping(app.get(EventStore), ['append'], plan), clock, random);
    const vault = stopping(app.get(Vault), ['write'], plan);
    const keys = new DataKeys(app.get(KeyService), stopping(app.get(KeyTable), ['put', 'erase'], plan), random);
    const records = new TemplateRecords(vault);
    const attempts = new EnrolmentAttempts(vault, records, keys, streams, clock, random);
    const templates = new TemplateVault(records, keys);
    return {
      streams,
      keys,
      attempts,
      templates,
      handler: new EnrolTemplateHandler(streams, attempts, templates, clock),
    };
  };
  const asked = { ...enrolment, templateId } as unknown as Enrolment;
  const enrol = ({ handler }: ReturnType<typeof parts>) => handler.execute(new EnrolTemplate(caller, asked, faceOf(1)));
  const enrolled = async () => {
    const { state } = await parts().streams.load(tenant, TemplateStream, templateKey(key));
    return state;
  };
  const left = async () => {
    const vault = app.get(Vault);
    const records = await vault.range(tenant, 'templates', everything);
    const notes = await vault.range(tenant, 'pending', everything);
    return { records: records.map(({ id }) => id), notes: notes.length, keys: await app.get(KeyTable).count(tenant) };
  };
  const assertWhole = async () => {
    const templates = await enrolled();
    const keyIds = templates.map(({ terms: { keyId } }) => keyId);
    expect(await left()).toEqual({ records: keyIds, notes: 0, keys: keyIds.length });
  };

  it('can be opened again, to the very bytes', async () => {
    await enrol(parts());
    const [template] = (await enrolled()) as [Template];
    const opened = await parts().templates.open(tenant, template);
    expect(opened.ok && Buffer.from(opened.embedding.buffer).equals(faceOf(1))).toBe(true);
  });

  it('is remembered by who compares until all is forgotten at once, and what is being read then is forgotten, too', async () => {
    await enrol(parts());
    const [template] = (await enrolled()) as [Template];
    const { templates } = parts();
    const opening = templates.openAgain(tenant, template);
    templates.forgetAll();
    expect(await opening).toEqual({ ok: false, reason: 'unreadable' });
    expect(templates.remembers(tenant, templateId)).toBe(false);
    expect(await templates.openAgain(tenant, template)).toMatchObject({ ok: true });
    expect(templates.remembers(tenant, templateId)).toBe(true);
    templates.forgetAll();
    expect(templates.remembers(tenant, templateId)).toBe(false);
    expect(await templates.openAgain(tenant, template)).toMatchObject({ ok: true });
  });

  it('does not open in the place of another', async () => {
    await enrol(parts());
    const [template] = (await enrolled()) as [Template];
    const moved = { ...template, terms: { ...template.terms, purposeId: 'elsewhere' } } as unknown as Template;
    expect(await parts().templates.open(tenant, moved)).toEqual({ ok: false, reason: 'unreadable' });
    await parts().keys.erase(tenant, [template.terms.keyId]);
    expect(await parts().templates.open(tenant, template)).toEqual({ ok: false, reason: 'erased' });
  });

  const stops = (['before', 'after'] as const).flatMap((when) => [1, 2, 3, 4, 5, 6].map((left) => ({ when, left })));
  it.each(stops)(
    'that stops $when write $left leaves nothing that belongs to nobody, and can be sent again',
    async (plan) => {
      const [first] = await Promise.allSettled([enrol(parts({ ...plan }))]);
      expect(first.status === 'fulfilled' || first.reason instanceof Stopped).toBe(true);
      clock.advance(61_000);
      await parts().attempts.sweep(tenant);
      await assertWhole();

      const again = await enrol(parts());
      expect(again.template.state).toBe('active');
      clock.advance(61_000);
      await parts().attempts.sweep(tenant);
      expect(await enrolled()).toHaveLength(1);
      await assertWhole();
    },
  );

  it('that a withdrawal overtakes is refused, and what was stored for it is gone', async () => {
    const { handler, attempts } = parts();
    const begin = attempts.begin.bind(attempts);
    // Between the first decision and the last one, as seldom happens.
    attempts.begin = async (...which) => {
      await parts().streams.change(caller, ConsentStream, consentKey(key), () => [
        ConsentWithdrawn({ ...key, consentId, channel: 'counter' }),
      ]);
      return begin(...which);
    };
    await expect(handler.execute(new EnrolTemplate(caller, asked, faceOf(1)))).rejects.toMatchObject({
      code: 'templates.not-permitted',
      detail: { reason: 'consent-withdrawn' },
    });
    expect(await enrolled()).toEqual([]);
    expect(await left()).toEqual({ records: [], notes: 0, keys: 0 });
  });

  it('that takes too long may be swept away, so it is not recorded', async () => {
    const slow = parts();
    const store = slow.attempts.store.bind(slow.attempts);
    slow.attempts.store = async (...what) => {
      await store(...what);
      clock.advance(31_000);
    };
    await expect(enrol(slow)).rejects.toMatchObject({ name: 'AttemptTooSlow' });
    clock.advance(30_000);
    expect(await parts().attempts.sweep(tenant)).toBe(1);
    await assertWhole();
  });
});
