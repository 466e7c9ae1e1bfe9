import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { TenantId } from '#lib/core';
import { KeyService } from '#lib/ports';
import { Signatures } from './signatures.js';

const here = TenantId.parse('here');
const there = TenantId.parse('there');
const payload = { receiptId: 'r-1', state: 'given' };

describe('a signature', () => {
  let app: INestApplicationContext;
  let keyService: KeyService;
  let signatures: Signatures;

  beforeAll(async () => {
    app = await NestFactory.createApplicationContext(EmbeddedAdapters.inTemporaryFolder(), { logger: false });
    keyService = app.get(KeyService);
    for (const tenant of [here, there]) await keyService.provision(tenant);
    signatures = new Signatures(keyService);
  });
  afterAll(() => app.close());

  const check = async (jws: string, tenant = here) => {
    const { keys } = await signatures.jwks(tenant);
    return compactVerify(jws, createLocalJWKSet({ keys } as JSONWebKeySet), { algorithms: ['EdDSA'] });
  };

  it('is checked by any library against the keys of its tenant', async () => {
    const { payload: bytes, protectedHeader } = await check(await signatures.jws(here, payload, 'receipt+jws'));
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual(payload);
    expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: expect.any(String), typ: 'receipt+jws' });
  });

  it('is the same for the same payload', async () => {
    expect(await signatures.jws(here, payload, 'receipt+jws')).toBe(await signatures.jws(here, payload, 'receipt+jws'));
  });

  it('is not that of another tenant', async () => {
    const jws = await signatures.jws(here, payload, 'receipt+jws');
    await expect(check(jws, there)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  });

  it.each([
    ['header', 0],
    ['payload', 1],
    ['signature', 2],
  ])('does not survive another %s', async (_, part) => {
    const [mine, others] = [
      await signatures.jws(here, payload, 'receipt+jws'),
      await signatures.jws(here, { ...payload, state: 'withdrawn' }, 'other+jws'),
    ].map((jws) => jws.split('.'));
    const mixed = mine?.map((text, n) => (n === part ? others?.[n] : text)).join('.') ?? '';
    await expect(check(mixed)).rejects.toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
  });

  it('names the key that made it, though the list of keys is older', async () => {
    const keys = await keyService.publicKeys(here);
    const behind: KeyService = Object.create(keyService, { publicKeys: { value: async () => [{ kid: 'older' }] } });
    const { protectedHeader } = await check(await new Signatures(behind).jws(here, payload, 'receipt+jws'));
    expect(protectedHeader.kid).toBe(keys.at(-1)?.kid);
  });

  it('is never put under what is too long', async () => {
    await expect(signatures.jws(here, { text: 'x'.repeat(256 * 1024) }, 'receipt+jws')).rejects.toThrow('too long');
  });
});
