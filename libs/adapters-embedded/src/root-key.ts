import { createHash, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFirst } from '#lib/adapters-system';
import { dataKeyBytes, dataKeyFrom } from '#lib/envelope';
import { KeysUnavailable, type Random } from '#lib/ports';
import { assertPrivate } from './private-file.js';

const headText = 'lethe-root-1 ';
const head = Buffer.from(headText);
const hexAt = head.length;
const sumAt = hexAt + 2 * dataKeyBytes + 1;
const sumLength = 8;
const fileLength = sumAt + sumLength + 1;

const sumOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, sumLength);

/**
 * The root key, from a file of its own that may lie on another disk than the data: without it every other key is noise.
 * In hexadecimal, so that it can be printed and kept in a safe, with the first 8 digits of its SHA-256.
 * @throws KeysUnavailable when the file is missing, readable by others, or not what was written
 */
export function readRootKey(file: string): KeyObject {
  if (!existsSync(file)) {
    throw new KeysUnavailable(`${file} is missing, but keys are sealed under it: put the root key back`);
  }
  assertPrivate(file);
  const text = bytesIn(file);
  const bytes = Buffer.from(text.toString('latin1', hexAt, sumAt - 1), 'hex');
  const isWhole =
    text.length === fileLength &&
    text.subarray(0, hexAt).equals(head) &&
    bytes.length === dataKeyBytes &&
    text.toString('latin1', sumAt) === `${sumOf(bytes)}\n`;
  text.fill(0);
  if (isWhole) return dataKeyFrom(bytes);
  bytes.fill(0);
  throw new KeysUnavailable(`${file} is damaged: put a copy of the root key back, from where it is kept safe`);
}

/** Makes a root key where there is none. */
export function makeRootKey(file: string, random: Random): void {
  const bytes = random.bytes(dataKeyBytes);
  const text = Buffer.from(`${headText}${bytes.toString('hex')} ${sumOf(bytes)}\n`);
  bytes.fill(0);
  try {
    writeFirst(file, text);
  } catch (error) {
    throw new KeysUnavailable(`${file} cannot be made: see to its folder and the permissions`, { cause: error });
  } finally {
    text.fill(0);
  }
}

function bytesIn(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new KeysUnavailable(`${file} cannot be read: see to its permissions`, { cause: error });
  }
}
