import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { acting } from './acting.js';
import { ask } from './door.js';
import type { House } from './house.js';

const print = (value: unknown) => console.log(typeof value === 'string' ? value : JSON.stringify(value, undefined, 2));

/** Tenants and their keys. */
export function addTenantCommands(program: Command, house: House): void {
  const tenants = program.command('tenants').description('hospitals');
  tenants
    .command('register <tenant> <file>')
    .description(
      'registers a hospital from a JSON file: {name, controller: {name, address, contact, dpoContact}, pack}',
    )
    .action(async (tenant: string, file: string) => {
      const body = JSON.parse(readFileSync(file, 'utf8'));
      print(
        await ask(await house.door(), { method: 'PUT', path: `/v1/tenants/${tenant}`, key: house.adminKey(), body }),
      );
    });

  const keys = program.command('keys').description('API keys of a hospital');
  keys
    .command('issue <tenant> <role>')
    .description('issues a key: backend, registrar, device, dpo or auditor; it is shown this once')
    .requiredOption('--label <text>', 'what the key is for')
    .option('--expires <instant>', 'when it stops working, such as 2027-01-01T00:00:00Z')
    .action(async (tenant: string, role: string, { label, expires }: { label: string; expires?: string }) => {
      const body = { role, label, ...(expires && { expiresAt: expires }) };
      const path = `/v1/tenants/${tenant}/keys`;
      print(await ask(await house.door(), { method: 'POST', path, key: house.adminKey(), body }));
    });
  keys
    .command('revoke <tenant> <keyId>')
    .description('revokes a key: it stops working at once')
    .action(async (tenant: string, keyId: string) => {
      const path = `/v1/tenants/${tenant}/keys/${keyId}`;
      await ask(await house.door(), { method: 'DELETE', path, key: house.adminKey() });
      print(`revoked ${keyId}`);
    });
}

/** Subjects, as a registrar sees them. */
export function addSubjectCommands(program: Command, house: House): void {
  const subjects = program.command('subjects').description('data subjects of a hospital');
  const asRegistrar = async (tenant: string, method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => {
    const door = await house.door();
    const who = { tenant, role: 'registrar', adminKey: house.adminKey(), key: process.env.LETHE_KEY };
    return acting(door, who, house.now(), (key) => ask(door, { method, path, key, ...(body && { body }) }));
  };
  subjects
    .command('show <tenant> <subjectId>')
    .description('shows a subject, without what identifies the person')
    .action(async (tenant: string, id: string) => print(await asRegistrar(tenant, 'GET', `/v1/subjects/${id}`)));
  subjects
    .command('find <tenant> <externalRef>')
    .description('finds a subject by the hospital’s own reference')
    .action(async (tenant: string, externalRef: string) =>
      print(await asRegistrar(tenant, 'POST', '/v1/subjects/lookup', { externalRef })),
    );
  subjects
    .command('erase <tenant> <subjectId>')
    .description('erases every template of a subject and the key of what identifies them; for good')
    .action(async (tenant: string, id: string) => print(await asRegistrar(tenant, 'DELETE', `/v1/subjects/${id}`)));
}
