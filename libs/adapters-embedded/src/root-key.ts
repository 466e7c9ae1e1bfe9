import { createHash, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { dataKeyBytes, dataKeyFrom } from '#lib/envelope';
import { KeysUnavailable, type Random } from '#lib/ports';
import { syncFolder, writeWhole } from './replaced-file.js';

const shape = /^lethe-root-1 ([0-9a-f]{64}) ([0-9a-f]{8})\n$/;
const sumOf = (hex: string) => createHash('sha256').update(hex).digest('hex').slice(0, 8);

/**
 * The root key, from a file of its own that may lie on another disk than the data: without it every other key is noise.
 * Made at the first start; over existing keys (`isFirst` false) it is never made anew.
 * @throws KeysUnavailable when the file is missing or is not what was written
 */
export function rootKeyIn(file: string, isFirst: boolean, random: Random): KeyObject {
  if (!existsSync(file)) {
    if (!isFirst) throw new KeysUnavailable(`${file} is missing, but keys are sealed under it: put it back`);
    makeRootKey(file, random);
  }
  const [, hex = '', sum] = shape.exec(textIn(file)) ?? [];
  if (hex === '' || sum !== sumOf(hex)) {
    throw new KeysUnavailable(`${file} is damaged: put a copy of the root key back, from where it is kept safe`);
  }
  return dataKeyFrom(Buffer.from(hex, 'hex'));
}

function makeRootKey(file: string, random: Random): void {
  const bytes = random.bytes(dataKeyBytes);
  const hex = bytes.toString('hex');
  bytes.fill(0);
  writeWhole(file, Buffer.from(`lethe-root-1 ${hex} ${sumOf(hex)}\n`));
  syncFolder(dirname(file));
}

function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new KeysUnavailable(`${file} cannot be read: see to its permissions`, { cause: error });
  }
}
