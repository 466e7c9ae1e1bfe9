import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import type { Family } from './family-of-adapters.js';

/** One process, and everything in its folder. */
export const embedded: Family = {
  name: 'embedded',
  flags: [],
  api: { file: 'apps/api/src/main.embedded.js', ready: /^(http:\S+)\/docs$/m },
  beside: [],
  lethe: 'apps/ops/src/main.embedded.js',
  dependencies: [],
  open: async (clock) => ({ adapters: EmbeddedAdapters.inTemporaryFolder(clock), drop: async () => {} }),
  environment: async () => ({}),
  openFolder: async (folder) => EmbeddedAdapters.inFolder({ folder }),
  keep: async (folder, copy) => {
    rmSync(copy, { recursive: true, force: true });
    cpSync(folder, copy, { recursive: true });
    return copy;
  },
  loseViews: async (folder) => {
    for (const name of readdirSync(folder)) if (name.startsWith('views.db')) rmSync(join(folder, name));
  },
  remove: async (folder) => rmSync(folder, { recursive: true, force: true }),
};
