import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FirstKey } from '#lib/access';
import { EmbeddedAdapters, FolderLock } from '#lib/adapters-embedded';
import { SystemClock } from '#lib/adapters-system';
import { createApi } from '../../api/src/api.js';
import { keepNew } from '../../api/src/kept-key.js';
import { doorInto, doorTo } from './door.js';
import type { House } from './house.js';
import { runProgram } from './program.js';

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
await runProgram(house, 'Runs what has no page: on the data folder DATA_FOLDER, or through the server that holds it.');
