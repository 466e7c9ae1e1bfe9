import { closeSync, fstatSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Puts `content` in the place of a file, whole or not at all, durable when it returns; mode 0600.
 *
 * The old content is then overwritten where it lay. That is as far as a program gets: journaling and copy-on-write file
 * systems, flash and snapshots keep copies of their own, so what must be destroyed should lie on a disk without them.
 */
export function replaceFile(file: string, content: Uint8Array): void {
  const old = openIfThere(file);
  try {
    const fresh = `${file}.new`;
    rmSync(fresh, { force: true });
    writeWhole(fresh, content);
    renameSync(fresh, file);
    syncFolder(dirname(file));
    if (old !== undefined) overwrite(old);
  } finally {
    if (old !== undefined) closeSync(old);
  }
}

/** Writes a file that must not be there yet, durable when it returns; mode 0600. */
export function writeWhole(file: string, content: Uint8Array): void {
  const opened = openSync(file, 'wx', 0o600);
  try {
    writeAll(opened, content);
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

export function syncFolder(folder: string): void {
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function overwrite(opened: number): void {
  writeAll(opened, Buffer.alloc(fstatSync(opened).size));
  fsyncSync(opened);
}

function writeAll(opened: number, content: Uint8Array): void {
  for (let written = 0; written < content.length; ) {
    written += writeSync(opened, content, written, content.length - written, written);
  }
}
