import { closeSync, fsyncSync, linkSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What `file` holds, written now, for its owner only and durable, if it did not exist. Several processes may begin at once:
 * all are answered the same text, and none ever sees a part of it.
 */
export function keepNew(file: string, text: string): string {
  const own = mkdtempSync(`${file}.`);
  const proposed = join(own, 'proposed');
  writeFileSync(proposed, text, { flush: true, mode: 0o600 });
  try {
    linkSync(proposed, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readFileSync(file, 'utf8').trim();
  } finally {
    rmSync(own, { recursive: true });
  }
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
  return text;
}
