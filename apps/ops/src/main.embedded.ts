import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Command, CommanderError } from 'commander';
import { FirstKey } from '#lib/access';
import { EmbeddedAdapters, FolderLock } from '#lib/adapters-embedded';
import { SystemClock } from '#lib/adapters-system';
import { createApi } from '../../api/src/api.js';
import { keepNew } from '../../api/src/kept-key.js';
import { doorInto, doorTo } from './door.js';
import type { House } from './house.js';
import { addMoveCommands } from './move-commands.js';
import { addReportCommands } from './report-commands.js';
import { addSubjectCommands, addTenantCommands } from './tenant-commands.js';
import { addUpkeepCommands } from './upkeep-commands.js';

/** A data folder of the embedded family: through the server that holds it, or opened for this one command. */
function houseIn(folder: string, rootKeyFile: string | undefined): House {
  const keyFile = join(folder, 'admin.key');
  const clock = new SystemClock();
  let opened: NestFastifyApplication | undefined;

  const inside = async () => {
    if (opened) return opened;
    process.umask(0o077);
    opened = await createApi(EmbeddedAdapters.inFolder({ folder, rootKeyFile }), { follow: false });
    await opened.init();
    await opened.get(FirstKey).issue((proposed) => keepNew(keyFile, proposed));
    return opened;
  };
  return {
    folder,
    inside,
    door: async () => {
      const url = FolderLock.holderOf(folder)?.url;
      return url ? doorTo(url) : doorInto(await inside());
    },
    adminKey: () => readFileSync(keyFile, 'utf8').trim(),
    now: () => clock.now(),
    close: async () => opened?.close(),
  };
}

const { DATA_FOLDER = 'var', ROOT_KEY_FILE } = process.env;
const house = houseIn(DATA_FOLDER, ROOT_KEY_FILE);
const program = new Command('lethe')
  .description('Runs what has no page: on the data folder DATA_FOLDER, or through the server that holds it.')
  .showHelpAfterError()
  .exitOverride();
addTenantCommands(program, house);
addSubjectCommands(program, house);
addReportCommands(program, house);
addUpkeepCommands(program, house);
addMoveCommands(program, house);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
} finally {
  await house.close();
}
