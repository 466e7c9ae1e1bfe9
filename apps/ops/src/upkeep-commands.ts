import { CommandBus } from '@nestjs/cqrs';
import type { Command } from 'commander';
import { ActorId, TenantId } from '#lib/core';
import { CloseGeneration, RotateTenantKey } from '#lib/keys';
import { EventStore, KeyService, KeyTable, Vault, Views } from '#lib/ports';
import { Sweeper } from '#lib/retention';
import { rebuildReferences } from '#lib/subjects';
import { examine } from './doctor.js';
import type { House } from './house.js';
import { progressOn } from './progress.js';

const actor = ActorId.parse('command-line');

/** What keeps a data folder in order. None of it runs beside a server on the same folder. */
export function addUpkeepCommands(program: Command, house: House): void {
  program
    .command('doctor')
    .description('checks folder, keys and order, and replays the log: no enrolment and no accept without consent')
    .action(async () => {
      const api = await house.inside();
      const [store, keys, table, vault, views] = [EventStore, KeyService, KeyTable, Vault, Views].map((port) =>
        api.get(port),
      ) as [EventStore, KeyService, KeyTable, Vault, Views];
      let isWell = true;
      const patient = { folder: house.name, store, keys, table, vault, views };
      for await (const finding of examine(patient, progressOn(process.stderr))) {
        console.log(`${finding.isWell ? 'ok   ' : 'FAIL '} ${finding.text}`);
        isWell &&= finding.isWell;
      }
      console.log(isWell ? 'all is well' : 'something is wrong');
      if (!isWell) process.exitCode = 1;
    });
}
