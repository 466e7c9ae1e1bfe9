import { readFileSync, writeFileSync } from 'node:fs';
import type { INestApplicationContext } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { Command } from 'commander';
import { ActorId, TenantId } from '#lib/core';
import { CloseGeneration } from '#lib/keys';
import { GenerationClosed } from '#lib/keys/contract';
import { exportTenant, fingerprintOf, importTenant, type Side, transferKeyFrom, transferKeyText } from '#lib/move';
import { Clock, Documents, EventStore, KeyService, KeyTable, Vault } from '#lib/ports';
import { examineTenant, type Finding, patientIn } from './doctor.js';
import type { House } from './house.js';
import { type Progress, progressOn } from './progress.js';

const actor = ActorId.parse('command-line');

/** A tenant goes from one installation to another, of whichever family: `receive` there, `export` here, `import` there. */
export function addMoveCommands(program: Command, house: House): void {
  program
    .command('receive <tenant>')
    .description('begins to await a tenant from elsewhere, and writes the key that its export is to be sealed to')
    .option('--out <file>', 'writes the key there', 'transfer.key')
    .option('--abandon', 'awaits it no more: an export sealed to that key opens nowhere any more')
    .action(async (tenant: string, choice: { out: string; abandon?: true }) =>
      receive(house, TenantId.parse(tenant), choice),
    );
  program
    .command('export <tenant>')
    .description(
      'writes a tenant to a file that only the installation opens which awaits it; nobody may write meanwhile',
    )
    .requiredOption('--to <file>', 'the key that `lethe receive` wrote there')
    .requiredOption('--out <file>', 'where to write it')
    .action(async (tenant: string, { to, out }: { to: string; out: string }) =>
      exported(house, TenantId.parse(tenant), to, out),
    );
  program
    .command('import <file>')
    .description('brings a tenant in from an export; the same again goes on where it stopped')
    .action(async (file: string) => imported(house, file));
}

async function receive(house: House, tenant: TenantId, { out, abandon }: { out: string; abandon?: true }) {
  const keys = (await house.inside()).get(KeyService);
  if (abandon) {
    await keys.dismiss(tenant);
    console.log(`${tenant} is awaited no more`);
    return;
  }
  const key = { tenant, publicKey: await keys.receive(tenant) };
  writeFileSync(out, transferKeyText(key), { mode: 0o600 });
  console.log(`${out}: for \`lethe export ${tenant} --to ${out}\`, fingerprint ${fingerprintOf(key)}`);
}

async function exported(house: House, tenant: TenantId, to: string, out: string): Promise<void> {
  const key = transferKeyFrom(readFileSync(to, 'utf8'));
  if (key.tenant !== tenant) throw new Error(`${to} is for the tenant ${key.tenant}`);
  const api = await house.inside();
  const progress = progressOn(process.stderr);
  await closeGeneration(api, tenant, progress);
  const done = await exportTenant(sideOf(api), key, out, tellOn(progress));
  progress.end();
  const { head, keys, noise, records, history } = done;
  console.log(`${out}: ${tenant} at ${head}, ${keys} keys, ${records} records, sealed to ${fingerprintOf(key)}`);
  if (noise > 0) console.log(`left behind: ${noise} keys that nothing opens`);
  console.log(`history ${history}`);
}

async function imported(house: House, file: string): Promise<void> {
  const api = await house.inside();
  const progress = progressOn(process.stderr);
  const { tenant, head, keys, records, history, appended, wasHere } = await importTenant(
    sideOf(api),
    file,
    tellOn(progress),
  );
  progress.end();
  if (wasHere) console.log(`${tenant} is here already, with all that the file holds: nothing was done`);
  else console.log(`${tenant} at ${head}, ${keys} keys, ${records} records: ${appended} events were appended now`);
  console.log(`history ${history}`);
  const findings: Finding[] = [];
  for await (const finding of examineTenant(patientIn(api, house), tenant, progress)) findings.push(finding);
  for (const { isWell, text } of findings) console.log(`${isWell ? 'ok   ' : 'FAIL '} ${text}`);
  if (findings.some(({ isWell }) => !isWell)) process.exitCode = 1;
}

/**
 * So that what was erased before is noise here too, whatever becomes of the copies that stay, and the history says so:
 * the other side cannot destroy a key that lies here.
 */
async function closeGeneration(api: INestApplicationContext, tenant: TenantId, progress: Progress): Promise<void> {
  const store = api.get(EventStore);
  const head = await store.head(tenant);
  const [last] = head > 0 ? await store.readLog(tenant, head - 1, 1) : [];
  if (!last || last.type === GenerationClosed.type) return;
  const command = new CloseGeneration({ tenant, actor }, ({ done, total }) =>
    progress.at(done, total, 'keys wrapped anew'),
  );
  await api.get(CommandBus).execute(command);
}

const sideOf = (api: INestApplicationContext): Side => ({
  store: api.get(EventStore),
  keys: api.get(KeyService),
  table: api.get(KeyTable),
  vault: api.get(Vault),
  documents: api.get(Documents),
  clock: api.get(Clock),
});

const tellOn =
  (progress: Progress) =>
  ({ what, done, total }: { what: string; done: number; total: number }) =>
    progress.at(done, total, what);
