import { CommandBus } from '@nestjs/cqrs';
import { type Command, Option } from 'commander';
import { ActorId, operator, TenantId } from '#lib/core';
import { CloseGeneration, RotateTenantKey } from '#lib/keys';
import { isInUse } from '#lib/move';
import { EventStore, KeyService, Views } from '#lib/ports';
import { Sweeper } from '#lib/retention';
import { ReferenceIndex } from '#lib/subjects';
import { examine, patientIn } from './doctor.js';
import type { House, Upkeep } from './house.js';
import { progressOn } from './progress.js';

const actor = ActorId.parse('command-line');
const callerIn = (tenant: string) => ({ tenant: TenantId.parse(tenant), actor });

/** What keeps a data folder in order. None of it runs beside a server on the same folder. */
export function addUpkeepCommands(program: Command, house: House): void {
  program
    .command('doctor')
    .description('checks folder, keys and order, and replays the log: no enrolment and no accept without consent')
    .action(async () => doctor(house));
  program
    .command('rebuild')
    .description('builds every view again from the log alone; no worker may run meanwhile')
    .addOption(
      new Option('--from <source>', 'the log as it is stored, or as it was published')
        .choices(house.upkeep ? ['store', 'kafka'] : ['store'])
        .default('store'),
    )
    .action(async ({ from }: { from: string }) => rebuild(house, from));
  program
    .command('sweep')
    .description('does now whatever is due: expiry, erasures, keys whose time is over')
    .action(async () => {
      const api = await house.inside({ follows: true });
      // A sweep works on what views show, and an erasure ends when they have followed it: as in a running server.
      const views = api.get(Views);
      await views.catchUp();
      views.follow();
      const swept = await api.get(Sweeper).sweepAll();
      console.log(JSON.stringify(swept, undefined, 2));
      if (swept.failed.length > 0) process.exitCode = 1;
    });
  program
    .command('close-generation <tenant>')
    .description(
      'makes noise of every copy of every erased key, now: wraps the living ones anew and destroys the old generation',
    )
    .action(async (tenant: string) => {
      const api = await house.inside();
      const progress = progressOn(process.stderr);
      const command = new CloseGeneration(callerIn(tenant), ({ done, total }) =>
        progress.at(done, total, 'keys wrapped anew'),
      );
      const closed = await api.get(CommandBus).execute(command);
      progress.end();
      console.log(JSON.stringify(closed, undefined, 2));
    });
  program
    .command('rotate-key <tenant>')
    .description('begins a new version of the tenant’s key; what older ones wrapped still opens')
    .action(async (tenant: string) => {
      const api = await house.inside();
      console.log(
        JSON.stringify(await api.get(CommandBus).execute(new RotateTenantKey(callerIn(tenant))), undefined, 2),
      );
    });
  if (house.upkeep) addJobCommands(program, house.upkeep);
}

function addJobCommands(program: Command, upkeep: () => Promise<Upkeep>): void {
  const jobs = program.command('jobs').description('work that was asked for, each piece only a hint');
  jobs
    .command('dead')
    .description('lists what was given up after its last attempt; what is due is done by the next sweep all the same')
    .option('--limit <count>', 'so many of each kind at most', '100')
    .action(async ({ limit }: { limit: string }) => {
      const { count, letters } = await (await upkeep()).deadJobs(Math.max(1, Math.min(1_000, Number(limit) || 100)));
      for (const { kind, tenant, subject, attempts, since, error } of letters) {
        console.log(`${since.toISOString()} ${kind} ${tenant} ${subject}: ${error} after ${attempts} attempts`);
      }
      console.log(`${count} dead`);
    });
}

async function doctor(house: House): Promise<void> {
  const api = await house.inside();
  const patient = patientIn(api, house);
  let isWell = true;
  for await (const finding of examine(patient, progressOn(process.stderr))) {
    console.log(`${finding.isWell ? 'ok   ' : 'FAIL '} ${finding.text}`);
    isWell &&= finding.isWell;
  }
  console.log(isWell ? 'all is well' : 'something is wrong');
  if (!isWell) process.exitCode = 1;
}

async function rebuild(house: House, from: string): Promise<void> {
  const api = await house.inside();
  const upkeep = await house.upkeep?.();
  const others = (await upkeep?.followers()) ?? 0;
  if (others > 0) throw new Error(`${others} workers keep the views: stop them, then rebuild`);
  const progress = progressOn(process.stderr);
  const pages = from === 'kafka' ? upkeep?.published() : undefined;
  await api
    .get(Views)
    .rebuild(({ tenant, view, done, total }) => progress.at(done, total, `${view} of ${tenant}`), pages);
  const index = api.get(ReferenceIndex);
  for (const tenant of await api.get(EventStore).tenants()) {
    if (tenant === operator || !(await isInUse(api.get(KeyService), tenant))) continue;
    await index.rebuild(tenant, ({ done, total }) => progress.at(done, total, `references of ${tenant}`));
  }
  progress.end();
  console.log('every view is built again');
}
