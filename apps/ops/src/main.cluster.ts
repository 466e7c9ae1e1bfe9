import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FirstKey } from '#lib/access';
import { ClusterAdapters, ClusterUpkeep, clusterEnvironment, placesOf } from '#lib/adapters-cluster';
import { SystemClock } from '#lib/adapters-system';
import { createApi } from '../../api/src/api.js';
import { operatorVariables, readEnvironment } from '../../api/src/environment.js';
import { keepNew } from '../../api/src/kept-key.js';
import { ServerLog } from '../../api/src/server-log.js';
import { doorInto, doorTo } from './door.js';
import type { House, Work } from './house.js';
import { runProgram } from './program.js';

/**
 * A cluster, with or without processes that serve it: calls go through the api that LETHE_URL names, or to an application
 * that is opened for this one command, beside the others.
 */
function houseOver(folder: string, url: string | undefined): House {
  const keyFile = join(folder, 'admin.key');
  const clock = new SystemClock();
  let opened: NestFastifyApplication | undefined;

  const inside = async ({ follows = false }: Work = {}) => {
    if (opened) return opened;
    process.umask(0o077);
    Logger.overrideLogger(new ServerLog());
    const settings = readEnvironment(clusterEnvironment(operatorVariables), process.env);
    mkdirSync(folder, { recursive: true });
    const adapters = await ClusterAdapters.open(placesOf(settings, { blobsFolder: join(folder, 'blobs') }), {
      relay: follows,
      follow: follows,
      waitMs: settings.START_WAIT_SECONDS * 1_000,
      say: console.error,
    });
    opened = await createApi(adapters, { follow: false });
    await opened.init();
    await opened.get(FirstKey).issue((proposed) => keepNew(keyFile, proposed));
    return opened;
  };
  return {
    folder,
    inside,
    upkeep: async () => {
      const upkeep = (await inside()).get(ClusterUpkeep);
      return {
        followers: () => upkeep.followers(),
        published: () => upkeep.published(),
        deadJobs: (limit) => upkeep.dead(limit),
      };
    },
    door: async () => (url ? doorTo(url) : doorInto(await inside())),
    adminKey: () => readFileSync(keyFile, 'utf8').trim(),
    now: () => clock.now(),
    close: async () => opened?.close(),
  };
}

const { DATA_FOLDER = 'var/cluster', LETHE_URL } = process.env;
await runProgram(
  houseOver(DATA_FOLDER, LETHE_URL),
  'Runs what has no page, on a cluster: through the api that LETHE_URL names, or beside its processes.',
);
