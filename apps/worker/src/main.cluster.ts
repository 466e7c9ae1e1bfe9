import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { ClusterAdapters, clusterEnvironment, placesOf } from '#lib/adapters-cluster';
import { createApi, listen } from '../../api/src/api.js';
import { complaintOf } from '../../api/src/complaint.js';
import { endInTime } from '../../api/src/end-in-time.js';
import { readEnvironment, workerProcessVariables } from '../../api/src/environment.js';
import { ServerLog } from '../../api/src/server-log.js';
import { WorkerModule } from './worker.module.js';

/**
 * One of any number of processes that do what happens by itself: publish the log, keep the views, run erasures, sweep.
 * They divide the work among themselves. It has every feature, and shows nothing but its health and its metrics.
 */
async function main(): Promise<void> {
  const settings = readEnvironment(clusterEnvironment(workerProcessVariables), process.env);
  process.umask(0o077);
  Logger.overrideLogger(new ServerLog());
  mkdirSync(settings.DATA_FOLDER, { recursive: true });
  const places = placesOf(settings, { blobsFolder: join(settings.DATA_FOLDER, 'blobs') });
  const adapters = await ClusterAdapters.open(places, {
    relay: true,
    follow: true,
    waitMs: settings.START_WAIT_SECONDS * 1_000,
    say: console.log,
  });
  endInTime();
  const sweeps = WorkerModule.with({ sweepEveryMs: settings.SWEEP_SECONDS * 1_000 });
  const worker = await createApi(adapters, { duties: ['worker'], publicUrl: settings.PUBLIC_URL, beside: [sweeps] });
  await worker.init();
  console.log(`${await listen(worker, settings.PORT, settings.HOST)}/readyz`);
}

await main().catch((error: unknown) => {
  console.error(complaintOf(error));
  process.exit(1);
});
