import { SystemClock } from '#lib/adapters-system';
import { BullJobs } from '../../libs/adapters-cluster/src/bull-jobs.adapter.js';

const [url = '', prefix = ''] = process.argv.slice(2);
const ticks = new SystemClock();

/** Does jobs of the kind `hang` as far as the first, and tells its parent that it began. */
const jobs = await BullJobs.open({ redis: { url, prefix }, clock: ticks, ticks });
jobs.handle('hang', async ({ subject }) => {
  process.send?.(subject);
  await ticks.sleep(600_000);
});
