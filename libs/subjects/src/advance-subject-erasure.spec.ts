import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { ActorId, SubjectId, TenantId } from '#lib/core';
import { DataKeys, PersonalData } from '#lib/keys/contract';
import { Clock, Documents, EventStore, KeyService, KeyTable, Random, Streams } from '#lib/ports';
import { TemplatesView } from '#lib/templates/contract';
import { AdvanceSubjectErasure, AdvanceSubjectErasureHandler } from './advance-subject-erasure.js';
import { EraseSubject, EraseSubjectHandler } from './erase-subject.js';
import { identityContext } from './external-reference.js';
import { ReferenceIndex } from './reference-index.js';
import { RegisterSubject, RegisterSubjectHandler } from './register-subject.js';
import { SubjectStream } from './subject.stream.js';

const tenant = TenantId.parse('here');
const caller = { tenant, actor: ActorId.parse('registrar') };
const subjectId = SubjectId.parse('6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02');
const registration = { externalRef: 'MRN-1', kind: 'patient' } as const;

class Stopped extends Error {}

/** A port whose `at`-th call of these methods, counted over all ports of the plan, stops before or after its effect. */
const stopping = <P extends object>(port: P, names: readonly (keyof P)[], plan: { left: number; when: string }): P => {
  const stopped = names.map((name) => {
    const method = port[name] as (...asked: unknown[]) => Promise<unknown>;
    const call = async (...asked: unknown[]) => {
      plan.left -= 1;
      if (plan.left === 0 && plan.when === 'before') throw new Stopped();
      const answer = await method.apply(port, asked);
      if (plan.left === 0) throw new Stopped();
      return answer;
    };
    return [name, { value: call }] as const;
  });
  return Object.create(port, Object.fromEntries(stopped));
};

describe('the erasure of a subject', () => {
  let app: INestApplicationContext;
  let view: TemplatesView;

  beforeEach(async () => {
    app = await NestFactory.createApplicationContext(
      { module: class Adapters {}, imports: [CqrsModule.forRoot(), EmbeddedAdapters.inTemporaryFolder()] },
      { logger: false },
    );
    await app.get(KeyService).provision(tenant);
    view = new TemplatesView(app.get(Documents));
  });
  afterEach(() => app.close());

  const parts = (plan = { left: 0, when: 'before' }) => {
    const store = stopping(app.get(EventStore), ['append'], plan);
    const documents = stopping(app.get(Documents), ['write'], plan);
    const table = stopping(app.get(KeyTable), ['erase'], plan);
    const [keyService, random, clock] = [app.get(KeyService), app.get(Random), app.get(Clock)];
    const streams = new Streams(store, clock, random);
    const personal = new PersonalData(new DataKeys(keyService, table, random));
    const references = new ReferenceIndex(documents, keyService, personal, streams, store, clock);
    const commands = app.get(CommandBus);
    const advance = new AdvanceSubjectErasureHandler(streams, view, documents, references, personal, commands, clock);
    return { streams, personal, references, clock, advance };
  };
  const begin = async () => {
    const { streams, personal, references, clock } = parts();
    const register = new RegisterSubjectHandler(streams, personal, references, clock);
    const { state } = await register.execute(new RegisterSubject(caller, subjectId, registration));
    await new EraseSubjectHandler(streams).execute(new EraseSubject(caller, subjectId));
    await view.take(await app.get(EventStore).readLog(tenant, 0, 100));
    return state.sealed ?? '';
  };
  const advance = new AdvanceSubjectErasure(caller, subjectId, 0);

  it.each([
    ['before', 1],
    ['after', 1],
    ['before', 2],
    ['after', 2],
    ['before', 3],
    ['after', 3],
  ])('may stop %s its write number %i, and goes on to the end', async (when, left) => {
    const sealed = await begin();
    await expect(parts({ left, when }).advance.execute(advance)).rejects.toBeInstanceOf(Stopped);
    const { streams, personal, references, advance: again } = parts();
    await again.execute(advance);
    await again.execute(advance);
    expect((await streams.load(tenant, SubjectStream, subjectId)).state).toEqual({ status: 'erased' });
    expect(await personal.isErased(tenant, subjectId)).toBe(true);
    expect(await personal.open(tenant, subjectId, identityContext, sealed)).toBeUndefined();
    expect(await references.find(tenant, 'MRN-1')).toBeUndefined();
    expect(await app.get(Documents).range(tenant, 'references', { from: '', below: '~', limit: 10 })).toEqual([]);
    const facts = await app.get(EventStore).readLog(tenant, 0, 100);
    expect(facts.map(({ type }) => type)).toEqual(['subject.registered', 'subject.erasure-begun', 'subject.erased']);
  });

  it('is nothing for a subject that nobody asked to erase', async () => {
    await parts().advance.execute(advance);
    expect(await app.get(EventStore).head(tenant)).toBe(0);
  });
});
