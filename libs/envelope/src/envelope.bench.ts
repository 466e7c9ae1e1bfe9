import { createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import type { Bench, Rig } from '../../../test/support/bench.js';
import { templateBinding } from './associated-data.js';
import { open, openInto, seal, suite } from './sealed-record.js';

const batch = 100;
const keyBytes = randomBytes(32);
const key = createSecretKey(keyBytes);
const template = randomBytes(2_048);
const nonce = randomBytes(12);
const aad = templateBinding({
  tenant: 'here',
  subject: '0198c0de-0000-7000-8000-000000000001',
  purpose: 'registration',
  template: '0198c0de-0000-7000-8000-0000000000a1',
  model: 'arcface/1',
  suite,
  keyId: 'key-1',
});
const sealed = seal(key, template, aad, nonce);

/** What most people write: key bytes each time, the whole record at once; it leaves copies behind. */
const bare = (rawOrKey: Parameters<typeof createDecipheriv>[1]) => () => {
  const decipher = createDecipheriv('aes-256-gcm', rawOrKey, sealed.subarray(3, 15), { authTagLength: 16 });
  decipher.setAAD(Buffer.concat([sealed.subarray(0, 3), aad]));
  decipher.setAuthTag(sealed.subarray(-16));
  const plaintext = Buffer.concat([decipher.update(sealed.subarray(15, -16)), decipher.final()]);
  return plaintext.readUInt8(0);
};

const opening = () => {
  const opened = open(key, sealed, aad);
  return opened.ok ? opened.plaintext.readUInt8(0) : 0;
};

const target = Buffer.alloc(template.length);
const openingInto = () => {
  openInto(key, sealed, aad, target);
  const first = target.readUInt8(0);
  target.fill(0);
  return first;
};

const batches = (operation: () => number) => (): Rig => ({
  step: async () => {
    let sum = 0;
    for (let n = 0; n < batch; n++) sum += operation();
    return sum;
  },
  close: () => undefined,
});

const sizes = { smoke: 2, real: 2_000, lanes: 1, weight: batch };

export const benches: Bench[] = [
  { name: 'bare decipher of 2 KB, raw key', ...sizes, setup: batches(bare(keyBytes)) },
  { name: 'bare decipher of 2 KB, KeyObject', ...sizes, setup: batches(bare(key)) },
  { name: 'envelope opens 2 KB', ...sizes, setup: batches(opening) },
  { name: 'envelope opens 2 KB in place', ...sizes, setup: batches(openingInto) },
  { name: 'envelope seals 2 KB', ...sizes, setup: batches(() => seal(key, template, aad, nonce).readUInt8(20)) },
];
