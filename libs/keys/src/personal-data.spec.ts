import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import fc from 'fast-check';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { SubjectId, TenantId } from '#lib/core';
import { KeyService, KeyTable, Random } from '#lib/ports';
import { DataKeys } from './data-keys.js';
import { KeyErased, PersonalData } from './personal-data.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');
const subject = SubjectId.parse('6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02');
const other = SubjectId.parse('0d5c2a9e-6b1f-4c7e-8f57-2f6f0f5f9a11');
const context = 'consent.evidence';
const evidence = { form: 'F-7', signed: true };

describe('personal data', () => {
  let app: INestApplicationContext;
  let personal: PersonalData;

  beforeAll(async () => {
    app = await NestFactory.createApplicationContext(EmbeddedAdapters.inTemporaryFolder(), { logger: false });
    const keyService = app.get(KeyService);
    personal = new PersonalData(new DataKeys(keyService, app.get(KeyTable), app.get(Random)));
    for (const tenant of [here, there]) {
      await keyService.provision(tenant);
      for (const subjectId of [subject, other]) await personal.create(tenant, subjectId);
    }
  });
  afterAll(() => app.close());

  it('open as what they were', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), async (value) => {
        const sealed = await personal.seal(here, subject, context, value);
        expect(await personal.open(here, subject, context, sealed)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 50 },
    );
  });

  it('are sealed to the same text when they are the same, whatever the order of their members', async () => {
    const sealed = await personal.seal(here, subject, context, evidence);
    expect(await personal.seal(here, subject, context, { signed: true, form: 'F-7' })).toBe(sealed);
  });

  it('share neither text nor nonce with any other value, subject, context or tenant', async () => {
    const sealed = await Promise.all([
      personal.seal(here, subject, context, evidence),
      personal.seal(here, subject, context, { ...evidence, signed: false }),
      personal.seal(here, subject, 'consent.reason', evidence),
      personal.seal(here, other, context, evidence),
      personal.seal(there, subject, context, evidence),
    ]);
    const nonces = sealed.map((text) => Buffer.from(text, 'base64').subarray(3, 15).toString('hex'));
    expect(new Set(nonces).size).toBe(sealed.length);
  });

  it('show nothing of themselves', async () => {
    const sealed = await personal.seal(here, subject, context, evidence);
    expect(Buffer.from(sealed, 'base64').toString('latin1')).not.toContain('F-7');
  });

  it.each([
    ['another context', here, subject, 'consent.reason'],
    ['another subject', here, other, context],
    ['another tenant', there, subject, context],
  ])('do not open in %s', async (_, tenant, subjectId, elsewhere) => {
    const sealed = await personal.seal(here, subject, context, evidence);
    await expect(personal.open(tenant, subjectId, elsewhere, sealed)).rejects.toThrow('do not open: authentic');
  });

  it.each(['format', 'authentic'])('do not open when altered (%s)', async (reason) => {
    const bytes = Buffer.from(await personal.seal(here, subject, context, evidence), 'base64');
    const place = reason === 'format' ? 0 : 20;
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    await expect(personal.open(here, subject, context, bytes.toString('base64'))).rejects.toThrow(
      `do not open: ${reason}`,
    );
  });

  it('are gone with the key of their subject, and nothing more is sealed under it', async () => {
    const gone = SubjectId.parse('7c1f6a52-94f3-4b0c-9a3e-5b7d8e1c2f33');
    await personal.create(here, gone);
    const sealed = await personal.seal(here, gone, context, evidence);
    await personal.erase(here, gone);
    expect(await personal.open(here, gone, context, sealed)).toBeUndefined();
    expect(await personal.isErased(here, gone)).toBe(true);
    await expect(personal.seal(here, gone, context, evidence)).rejects.toBeInstanceOf(KeyErased);
  });

  it('are not what JSON cannot say', async () => {
    await expect(personal.seal(here, subject, context, undefined)).rejects.toThrow('not a JSON value');
  });
});
