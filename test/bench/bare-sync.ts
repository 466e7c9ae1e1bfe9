import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const pageBytes = 4_096;

/** How long a disk takes to keep one page, in ms, one after the other: nothing durable is answered sooner. */
export function bareSync(folder: string, times: number): number[] {
  const file = join(folder, 'bare-sync');
  const opened = openSync(file, 'w');
  const page = Buffer.alloc(pageBytes, 1);
  try {
    return Array.from({ length: times }, (_, n) => {
      const beganMs = performance.now();
      writeSync(opened, page, 0, pageBytes, n * pageBytes);
      fdatasyncSync(opened);
      return performance.now() - beganMs;
    });
  } finally {
    closeSync(opened);
    rmSync(file);
  }
}
