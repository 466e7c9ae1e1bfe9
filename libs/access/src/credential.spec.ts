import { createSecretKey } from 'node:crypto';
import { SystemRandom } from '#lib/adapters-system';
import { ActorId, TenantId } from '#lib/core';
import type { KeyService } from '#lib/ports';
import { type CredentialKind, hashOf, isSecretOf, makeCredential, parseCredential, textOf } from './credential.js';

const random = new SystemRandom();
/** Of the key service nothing is needed here but its secrets: one for each tenant and label. */
const keys = {
  secret: async (tenant: string, label: string) => createSecretKey(Buffer.from(`${tenant}/${label}`)),
} as unknown as KeyService;
const here = TenantId.parse('first-hospital');

const make = (attempt?: string, { tenant = here, actor = 'key-1', kind = 'lethe' as CredentialKind } = {}) =>
  makeCredential({ kind, tenant, actor: ActorId.parse(actor), attempt }, keys, random);

describe('a credential', () => {
  it.each(['lethe', 'lethe-link', 'lethe-me'] as const)(
    'of the kind %s reads back from its text, whatever its bytes',
    async (kind) => {
      for (let n = 0; n < 200; n++) {
        for (const made of [await make(undefined, { kind }), await make(`attempt ${n}`, { kind })]) {
          expect(parseCredential(textOf(made))).toEqual(made);
        }
      }
    },
  );

  it('is made of chance, or again the same for the same attempt of the same caller', async () => {
    expect(await make('one')).toEqual(await make('one'));
    const others = await Promise.all([
      make('one'),
      make('two'),
      make('one', { actor: 'key-2' }),
      make('one', { tenant: TenantId.parse('other') }),
      make('one', { kind: 'lethe-link' }),
      make(),
      make(),
    ]);
    expect(new Set(others.map(({ id }) => id)).size).toBe(others.length);
    expect(new Set(others.map(({ secret }) => secret)).size).toBe(others.length);
  });

  const text = 'lethe_here_1b7e4a1c-2f5d-4e8a-9c3b-6d0f1a2b3c4d_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  it.each([
    ['empty', ''],
    ['without a prefix', text.replace('lethe_', '')],
    ['of a kind that is none', text.replace('lethe_', 'lethe-you_')],
    ['of a tenant that cannot be', text.replace('here', 'Here')],
    ['with an id that is none', text.replace(/_[0-9a-f-]{36}_/, '_key_')],
    ['cut short', text.slice(0, -1)],
    ['with something behind', `${text}\n`],
  ])('is none when %s', (_, mutated) => {
    expect([parseCredential(text)?.kind, parseCredential(mutated)]).toEqual(['lethe', undefined]);
  });

  it('is proven by its secret alone', () => {
    const hash = hashOf('secret');
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect([isSecretOf(hash, 'secret'), isSecretOf(hash, 'Secret')]).toEqual([true, false]);
  });
});
