import { createHash } from 'node:crypto';
import type { TenantId } from '#lib/core';
import { canonical, eventBytes, recordOf, type Sums } from './move-line.js';
import { carried, pagesOf, type Side, type TellProgress } from './side.js';

const pageMax = 1_000;

/** Whether what stands here, read back, is another history than these sums say, or another lot of keys and records. */
export async function differencesOf(
  side: Side,
  tenant: TenantId,
  sums: Sums,
  tell: TellProgress,
): Promise<{ readonly history: boolean; readonly sealed: boolean }> {
  const keys = await side.table.count(tenant);
  const vault = await vaultHash(side, tenant);
  const history = await historyHash(side, tenant, sums.events, tell);
  return { history: history !== sums.history, sealed: keys !== sums.keys || vault !== sums.vault };
}

async function vaultHash(side: Side, tenant: TenantId): Promise<string> {
  const hash = createHash('sha256');
  for (const each of carried.filter(({ isCompared }) => isCompared)) {
    for await (const page of pagesOf(side, tenant, each)) {
      for (const document of page) hash.update(canonical(recordOf(each, document)));
    }
  }
  return hash.digest('hex');
}

/** Of all that stands here: an event more than there should be is a difference too. */
async function historyHash({ store }: Side, tenant: TenantId, total: number, tell: TellProgress): Promise<string> {
  const hash = createHash('sha256');
  for (let done = 0; ; ) {
    const page = await store.readLog(tenant, done, pageMax);
    for (const event of page) hash.update(eventBytes(event));
    done = page.at(-1)?.sequence ?? done;
    tell({ what: 'comparing', done: Math.min(done, total), total });
    if (page.length === 0) return hash.digest('hex');
  }
}
