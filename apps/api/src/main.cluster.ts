import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { FirstKey } from '#lib/access';
import { ClusterAdapters, clusterEnvironment, placesOf } from '#lib/adapters-cluster';
import { createApi, listen } from './api.js';
import { complaintOf } from './complaint.js';
import { endInTime } from './end-in-time.js';
import { apiProcessVariables, readEnvironment } from './environment.js';
import { keepNew } from './kept-key.js';
import { ServerLog } from './server-log.js';

/** One of any number of processes that answer callers, over the cluster family. What happens by itself is the workers'. */
async function main(): Promise<void> {
  const settings = readEnvironment(clusterEnvironment(apiProcessVariables), process.env);
  const { HOST, PORT, DATA_FOLDER } = settings;
  process.umask(0o077);
  Logger.overrideLogger(new ServerLog());
  mkdirSync(DATA_FOLDER, { recursive: true });
  const adapters = await ClusterAdapters.open(placesOf(settings, { blobsFolder: join(DATA_FOLDER, 'blobs') }), {
    relay: false,
    follow: false,
    waitMs: settings.START_WAIT_SECONDS * 1_000,
    say: console.log,
  });
  endInTime();
  const api = await createApi(adapters, {
    publicUrl: settings.PUBLIC_URL,
    duties: ['api'],
    follow: false,
    galleryMemoryBytes: settings.GALLERY_MEMORY_MB * 1e6,
  });
  await api.init();

  // The key itself is not printed: what containers print is kept in places that many can read.
  const file = join(DATA_FOLDER, 'admin.key');
  if (await api.get(FirstKey).issue((proposed) => keepNew(file, proposed))) console.log(`Admin key, made now: ${file}`);

  console.log(`${await listen(api, PORT, HOST)}/docs`);
}

await main().catch((error: unknown) => {
  console.error(complaintOf(error));
  process.exit(1);
});
