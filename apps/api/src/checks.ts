import { operator } from '#lib/core';
import type { Check, Documents, EventStore, KeyService, KeyTable, Vault } from '#lib/ports';
import type { ViewLag } from './view-lag.js';

const probe = 'readiness';

/** What the checks of the ports read. */
export interface Ports {
  readonly store: EventStore;
  readonly documents: Documents;
  readonly vault: Vault;
  readonly table: KeyTable;
  readonly keys: KeyService;
}

/**
 * One check for each port that keeps something. An api without templates or keys still takes withdrawals and sends every
 * match to another method, as P12 has it: so it stays in rotation. What would be late is the deletion, which is a worker's.
 */
export const checksOf = ({ store, documents, vault, table, keys }: Ports): readonly Check[] => [
  {
    name: 'event-store',
    promises: { api: ['P2', 'P3', 'P11'], worker: ['P5', 'P8'] },
    without: 'nothing can be recorded or read; a match is answered by another method',
    run: () => store.head(operator),
  },
  {
    name: 'views',
    promises: { api: [], worker: ['P5', 'P8'] },
    without: 'lists, and repeats under an Idempotency-Key, are refused for now',
    run: () => documents.position(operator, probe),
  },
  {
    name: 'vault',
    promises: { api: [], worker: ['P5'] },
    without: 'a match is answered by another method; enrolments are refused, erasures wait',
    run: () => vault.get(operator, probe, [probe]),
  },
  {
    name: 'key-table',
    promises: { api: [], worker: ['P5'] },
    without: 'a match is answered by another method; enrolments and registrations are refused, erasures wait',
    run: () => table.get(operator, probe),
  },
  {
    name: 'keys',
    promises: { api: [], worker: ['P5'] },
    without: 'what no remembered key opens is refused, and a match answered by another method; erasures wait',
    run: () => keys.check(),
  },
];

/** Whether the views of this process are fed. For a process that keeps views. */
export const feedCheck = (lag: ViewLag): Check => ({
  name: 'feed',
  promises: { api: [], worker: ['P5', 'P8'] },
  without: 'views stand still: lists are old, and what is due is found late',
  run: async () => {
    if ((await lag.stalled()).length > 0) throw new Stalled();
  },
});

class Stalled extends Error {
  override readonly name = 'Stalled';
}
