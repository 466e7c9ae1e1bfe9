import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { LogAudit } from '#lib/audit';
import type { TenantId } from '#lib/core';
import { isInUse } from '#lib/move';
import { EventStore, KeyService, Views } from '#lib/ports';
import { TemplateVault } from '#lib/templates/contract';
import type { House } from './house.js';
import type { Progress } from './progress.js';

const pageMax = 1_000;
const shownMax = 20;

/** What was looked at, and whether it is as it must be. */
export interface Finding {
  readonly isWell: boolean;
  readonly text: string;
}

const well = (text: string): Finding => ({ isWell: true, text });
const ill = (text: string): Finding => ({ isWell: false, text });

/** Files that are nobody else's business, and the rights they may have at most. */
const secrets = [
  ['.', 0o700],
  ['admin.key', 0o600],
  ['root.key', 0o600],
  ['keys.sealed', 0o600],
  ['keys.db', 0o600],
  ['vault.db', 0o600],
] as const;

export interface Patient {
  readonly folder: string;
  readonly store: EventStore;
  readonly keys: KeyService;
  readonly templates: TemplateVault;
  readonly views: Views;
}

export const patientIn = (api: INestApplicationContext, { folder }: Pick<House, 'folder'>): Patient => ({
  folder,
  store: api.get(EventStore),
  keys: api.get(KeyService),
  templates: api.get(TemplateVault),
  views: api.get(Views),
});

/** Looks a data folder over: rights, keys, order, and by a replay of the whole log that nothing stands in it against P1 and P2. */
export async function* examine(patient: Patient, progress: Progress): AsyncGenerator<Finding> {
  yield* rights(patient.folder);
  yield await keysOpen(patient.keys);
  for (const tenant of await patient.store.tenants()) {
    yield* examineTenant(patient, tenant, progress);
  }
}

/** As `examine`, of one tenant. */
export async function* examineTenant(patient: Patient, tenant: TenantId, progress: Progress): AsyncGenerator<Finding> {
  const audit = new LogAudit();
  yield* log(patient, tenant, audit, progress);
  if (await isInUse(patient.keys, tenant)) yield await stored(patient, tenant, audit);
  else yield ill(`${tenant} has no keys here: it is on its way in, so import its file again; or put keys.sealed back`);
  yield await viewsOf(patient, tenant);
}

function* rights(folder: string): Generator<Finding> {
  const loose = secrets.filter(([file, most]) => {
    const { mode = 0 } = statSync(join(folder, file), { throwIfNoEntry: false }) ?? {};
    return (mode & 0o777 & ~most) !== 0;
  });
  if (loose.length === 0) yield well(`${folder} and its keys are readable by their owner only`);
  for (const [file, most] of loose) yield ill(`${join(folder, file)} is open to others: chmod ${most.toString(8)} it`);
}

async function keysOpen(keys: KeyService): Promise<Finding> {
  try {
    await keys.check();
    return well('the keys open');
  } catch (error) {
    return ill(`the keys do not open: ${(error as Error).message}`);
  }
}

async function* log(
  { store }: Patient,
  tenant: TenantId,
  audit: LogAudit,
  progress: Progress,
): AsyncGenerator<Finding> {
  const total = await store.head(tenant);
  let count = 0;
  for (let after = 0; after < total; ) {
    // Where processes go on beside this, the log does too: it is looked at as far as it went at the beginning.
    const page = await store.readLog(tenant, after, Math.min(pageMax, total - after));
    for (const event of page) {
      for (const { sequence, rule, what } of audit.add(event)) {
        count += 1;
        if (count <= shownMax) yield ill(`${tenant} at ${sequence}: ${rule}: ${what}`);
      }
    }
    after = page.at(-1)?.sequence ?? total;
    progress.at(after, total, `log of ${tenant}`);
  }
  progress.end();
  if (count > shownMax) yield ill(`${tenant}: ${count - shownMax} findings more`);
  const { events, enrolments, accepts } = audit.looked();
  if (events !== total)
    yield ill(`${tenant}: the log ends at ${total}, but ${events} is the last event that can be read`);
  const looked = `${events} events in order, ${enrolments} enrolments and ${accepts} accepting matches`;
  if (count === 0) yield well(`${tenant}: ${looked}, each with a consent in force at its place`);
}

/** A template that lives opens, by its record in the vault and its key in the key table. */
async function stored({ templates, store }: Patient, tenant: TenantId, audit: LogAudit): Promise<Finding> {
  const living = livingIn(audit);
  const closed = new Set<string>();
  for (const template of living) {
    const opened = await templates.open(tenant, template);
    if (opened.ok) opened.embedding.fill(0);
    else closed.add(template.terms.templateId);
  }
  // What was erased since it was read in the log does not open, as it must not.
  for (let page = await since(store, tenant, audit); closed.size > 0 && page.length > 0; ) {
    for (const event of page) audit.add(event);
    page = await since(store, tenant, audit);
  }
  const broken = livingIn(audit).filter(({ terms }) => closed.has(terms.templateId)).length;
  if (broken > 0) return ill(`${tenant}: ${broken} of ${living.length} living templates cannot be opened: enrol anew`);
  return well(`${tenant}: ${living.length} living templates, each of which opens`);
}

const livingIn = (audit: LogAudit) => audit.living().filter(({ state }) => state === 'active');

const since = (store: EventStore, tenant: TenantId, audit: LogAudit) =>
  store.readLog(tenant, audit.looked().events, pageMax);

async function viewsOf({ store, views }: Patient, tenant: TenantId): Promise<Finding> {
  const shown = await Promise.all(
    views.all().map(async (view) => ({ name: view.name, position: await view.position(tenant) })),
  );
  // Asked for last: where processes go on beside this, views do too.
  const head = await store.head(tenant);
  const ahead = shown.find(({ position }) => position > head);
  if (ahead) return ill(`${tenant}: the view ${ahead.name} is ahead of the log: rebuild it`);
  const late = shown.filter(({ position }) => position < head);
  const behind = late.map(({ name, position }) => `${name} by ${head - position}`);
  const noted = behind.length > 0 ? ` (behind, as after any stop: ${behind.join(', ')})` : '';
  return well(`${tenant}: no view is ahead of the log${noted}`);
}
