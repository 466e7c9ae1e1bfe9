import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Puts `content` in the place of a file, whole or not at all, durable when it resolved; mode 0600.
 *
 * What it replaced is then overwritten where it lay. That is as far as a program gets: journaling and copy-on-write file
 * systems, flash and snapshots keep copies of their own, so what must be destroyed should lie on a disk without them.
 * One call at a time for each file. After a crash, `scrubLeftovers` ends what was begun.
 */
export async function replaceFile(file: string, content: Uint8Array): Promise<void> {
  scrubLeftovers(file);
  const { fresh, old } = besides(file);
  const made = await open(fresh, 'wx', 0o600);
  try {
    await made.writeFile(content);
    await made.sync();
  } finally {
    await made.close();
  }
  // A second name, under which it is found again if this is where the process ends.
  await link(file, old);
  await rename(fresh, file);
  await syncFolder(dirname(file));
  const replaced = await open(old, 'r+');
  try {
    const { size } = await replaced.stat();
    await replaced.write(Buffer.alloc(size), 0, size, 0);
    await replaced.sync();
  } finally {
    await replaced.close();
  }
  await unlink(old);
}

/** Overwrites and removes what a replacement that did not come to its end left beside the file. */
export function scrubLeftovers(file: string): void {
  const { fresh, old } = besides(file);
  for (const left of [fresh, old].filter((each) => existsSync(each))) {
    // It had been given its second name, but not been replaced yet.
    const isTheFile = existsSync(file) && statSync(left).ino === statSync(file).ino;
    if (!isTheFile) overwrite(left);
    unlinkSync(left);
  }
}

/** As `replaceFile`, for a file that is not there yet. Blocks: for the first start only. */
export function writeFirst(file: string, content: Uint8Array): void {
  scrubLeftovers(file);
  const { fresh } = besides(file);
  const opened = openSync(fresh, 'wx', 0o600);
  try {
    writeAll(opened, content);
  } finally {
    closeSync(opened);
  }
  renameSync(fresh, file);
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/** Makes durable which files a folder holds. */
export async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder);
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

/** Whether a file or its folder is not there. */
export const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException)?.code ?? '');

const besides = (file: string) => ({ fresh: `${file}.new`, old: `${file}.old` });

function overwrite(file: string): void {
  const opened = openSync(file, 'r+');
  try {
    writeAll(opened, Buffer.alloc(fstatSync(opened).size));
  } finally {
    closeSync(opened);
  }
}

function writeAll(opened: number, content: Uint8Array): void {
  for (let written = 0; written < content.length; ) {
    written += writeSync(opened, content, written, content.length - written, written);
  }
  fsyncSync(opened);
}
