import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openEventFile } from './event-file.js';
import { UnusableFile } from './sqlite-file.js';

const log = 'events.db';
/** Beside the log, what cannot be built again from it. */
const others = ['vault.db', 'keys.db'];

/**
 * A missing file is made anew only in a folder that never held data: elsewhere it was lost, and an empty one in its place
 * would pass for the truth. The log is made first and filled last, so a first start may end anywhere and be begun again.
 * @throws UnusableFile when a file is missing that cannot be built again
 */
export function assertNothingLost(folder: string): void {
  const isMissing = (name: string) => !existsSync(join(folder, name));
  if (isMissing(log)) {
    const left = others.find((name) => !isMissing(name));
    if (left) throw lost(folder, log, left);
    return;
  }
  const missing = others.find(isMissing);
  if (missing && holdsEvents(join(folder, log))) throw lost(folder, missing, log);
}

const lost = (folder: string, name: string, left: string) =>
  new UnusableFile(`${join(folder, name)} is missing, but ${left} beside it holds data: restore a backup of it`);

function holdsEvents(file: string): boolean {
  const db = openEventFile(file);
  try {
    return db.prepare('SELECT 1 FROM event LIMIT 1').get() !== undefined;
  } finally {
    db.close();
  }
}
