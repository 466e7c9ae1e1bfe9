import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { ActorId, SubjectId, TenantId } from '#lib/core';
import { DataKeys, PersonalData } from '#lib/keys/contract';
import { Clock, Documents, EventStore, KeyService, KeyTable, Random, Streams } from '#lib/ports';
import { TestClock } from '../../../test/support/clock.js';
import { EraseSubject, EraseSubjectHandler } from './erase-subject.js';
import { ReferenceIndex } from './reference-index.js';
import { RegisterSubject, RegisterSubjectHandler } from './register-subject.js';
import { SubjectStream } from './subject.stream.js';

const tenant = TenantId.parse('here');
const caller = { tenant, actor: ActorId.parse('registrar') };
const [first, second] = [
  SubjectId.parse('6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02'),
  SubjectId.parse('0d5c2a9e-6b1f-4c7e-8f57-2f6f0f5f9a11'),
];
const taken = { code: 'subjects.reference-taken' };
const isPast = 10 * 60 * 1_000;

describe('the index of external references', () => {
  let app: INestApplicationContext;
  let clock: TestClock;
  let personal: PersonalData;
  let streams: Streams;
  let index: ReferenceIndex;

  beforeEach(async () => {
    clock = new TestClock();
    app = await NestFactory.createApplicationContext(EmbeddedAdapters.inTemporaryFolder(clock), { logger: false });
    const [keyService, store] = [app.get(KeyService), app.get(EventStore)];
    await keyService.provision(tenant);
    personal = new PersonalData(new DataKeys(keyService, app.get(KeyTable), app.get(Random)));
    streams = new Streams(store, app.get(Clock), app.get(Random));
    index = new ReferenceIndex(app.get(Documents), keyService, personal, streams, store, clock);
  });
  afterEach(() => app.close());

  const register = (subjectId: SubjectId, externalRef: string) =>
    new RegisterSubjectHandler(streams, personal, index, clock).execute(
      new RegisterSubject(caller, subjectId, { externalRef, kind: 'patient' }),
    );
  const erase = (subjectId: SubjectId) => new EraseSubjectHandler(streams).execute(new EraseSubject(caller, subjectId));

  it('finds who is registered, and nobody else', async () => {
    await register(first, 'MRN-1');
    expect(await index.find(tenant, 'MRN-1')).toBe(first);
    expect(await index.find(tenant, 'MRN-2')).toBeUndefined();
  });

  it('gives a reference to one subject', async () => {
    const registered = await Promise.allSettled([register(first, 'MRN-1'), register(second, 'MRN-1')]);
    expect(registered).toEqual([
      expect.objectContaining({ status: 'fulfilled' }),
      { status: 'rejected', reason: expect.objectContaining(taken) },
    ]);
    await expect(register(second, 'MRN-1')).rejects.toMatchObject(taken);
    expect(await index.find(tenant, 'MRN-1')).toBe(first);
  });

  it('keeps a claim while its registration may be under way, and no longer', async () => {
    await index.claim(tenant, 'MRN-1', first);
    expect(await index.find(tenant, 'MRN-1')).toBeUndefined();
    await expect(register(second, 'MRN-1')).rejects.toMatchObject(taken);
    clock.advance(isPast);
    await register(second, 'MRN-1');
    expect(await index.find(tenant, 'MRN-1')).toBe(second);
    await expect(register(first, 'MRN-1')).rejects.toMatchObject(taken);
  });

  it('lets who claimed it go on, however late', async () => {
    await index.claim(tenant, 'MRN-1', first);
    clock.advance(isPast);
    await register(first, 'MRN-1');
    expect(await index.find(tenant, 'MRN-1')).toBe(first);
  });

  it('takes no claim for a registration under another reference', async () => {
    await register(first, 'MRN-1');
    await index.claim(tenant, 'MRN-2', first);
    expect(await index.find(tenant, 'MRN-2')).toBeUndefined();
    await register(second, 'MRN-2');
    expect(await index.find(tenant, 'MRN-2')).toBe(second);
  });

  it('finds nobody who is being erased, and gives the reference to nobody else until it is released', async () => {
    await register(first, 'MRN-1');
    await erase(first);
    expect(await index.find(tenant, 'MRN-1')).toBeUndefined();
    await expect(register(second, 'MRN-1')).rejects.toMatchObject(taken);
    const { state } = await streams.load(tenant, SubjectStream, first);
    await index.release(tenant, first, state);
    await register(second, 'MRN-1');
    await index.release(tenant, first, state);
    expect(await index.find(tenant, 'MRN-1')).toBe(second);
  });

  it('is built again from the log and the keys that are left', async () => {
    await register(first, 'MRN-1');
    await register(second, 'MRN-2');
    await personal.erase(tenant, second);
    await app.get(Documents).clear(tenant, 'references');
    expect(await index.find(tenant, 'MRN-1')).toBeUndefined();
    const progress: { done: number; total: number }[] = [];
    await index.rebuild(tenant, (each) => progress.push(each));
    expect(await index.find(tenant, 'MRN-1')).toBe(first);
    expect(await index.find(tenant, 'MRN-2')).toBeUndefined();
    expect(progress).toEqual([{ done: 2, total: 2 }]);
  });

  it('holds no reference in the clear', async () => {
    await register(first, 'MRN-1');
    const documents = await app.get(Documents).range(tenant, 'references', { from: '', below: '~', limit: 10 });
    expect(documents).toHaveLength(1);
    expect(JSON.stringify(documents)).not.toContain('MRN-1');
  });

  it('is built again at a start where it was lost, and left alone where it was not', async () => {
    await register(first, 'MRN-1');
    const documents = app.get(Documents);
    const [kept] = await documents.range(tenant, 'references', { from: '', below: '~', limit: 1 });
    await index.ensure();
    expect(await documents.get(tenant, 'references', [kept?.id ?? ''])).toEqual([kept]);

    await documents.clear(tenant, 'references');
    const restarted = new ReferenceIndex(documents, app.get(KeyService), personal, streams, app.get(EventStore), clock);
    expect(await restarted.find(tenant, 'MRN-1')).toBeUndefined();
    await restarted.ensure();
    expect(await restarted.find(tenant, 'MRN-1')).toBe(first);
    await expect(restarted.claim(tenant, 'MRN-1', second)).rejects.toMatchObject(taken);
  });
});
