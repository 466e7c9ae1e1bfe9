import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { handOverBinding } from './associated-data.js';
import { openFrom, sealTo, transferPublicKey } from './hpke.js';

type Vector = Readonly<
  Record<
    'name' | 'tenant' | 'secret' | 'publicKey' | 'ephemeral' | 'info' | 'plaintext' | 'sealed' | 'dataKeys' | 'tag',
    string
  >
>;

const file = join(import.meta.dirname, '../vectors/hand-over.json');
const vectors: readonly Vector[] = JSON.parse(readFileSync(file, 'utf8'));
const bytes = (hex: string) => Buffer.from(hex, 'hex');
const [first] = vectors as [Vector];
const info = handOverBinding({ tenant: 'here' });
/** As little as a point of small order is: all secrets agreed with it are zero. */
const weak = Buffer.alloc(32);

/** Frozen, and made by another implementation of RFC 9180. */
describe('messages of the vectors', () => {
  it.each(vectors)('are sealed byte by byte: $name', (vector) => {
    const binding = handOverBinding({ tenant: vector.tenant });
    expect(Buffer.from(binding).toString('hex')).toBe(vector.info);
    expect(transferPublicKey(bytes(vector.secret)).toString('hex')).toBe(vector.publicKey);
    const ephemeral = bytes(vector.ephemeral);
    const { sealed, derive } = sealTo(bytes(vector.publicKey), bytes(vector.plaintext), binding, ephemeral);
    expect(sealed.toString('hex')).toBe(vector.sealed);
    expect(derive('lethe/hand-over/v1/data-keys').export().toString('hex')).toBe(vector.dataKeys);
    expect(derive('lethe/hand-over/v1/tag').export().toString('hex')).toBe(vector.tag);
    expect(ephemeral).toEqual(Buffer.alloc(32));
  });

  it.each(vectors)('are opened, and both sides know the same keys: $name', (vector) => {
    const binding = handOverBinding({ tenant: vector.tenant });
    const opened = openFrom(bytes(vector.secret), bytes(vector.sealed), binding);
    if (!opened.ok) throw new Error('it does not open');
    expect(opened.plaintext.toString('hex')).toBe(vector.plaintext);
    expect(opened.derive('lethe/hand-over/v1/tag').export().toString('hex')).toBe(vector.tag);
  });
});

describe('a sealed message', () => {
  const sealed = bytes(first.sealed);

  it('opens with no byte changed, nor cut, nor for another, nor under another info', () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 7)), at);
      expect(openFrom(bytes(first.secret), changed, info)).toEqual({ ok: false });
      expect(openFrom(bytes(first.secret), sealed.subarray(0, at), info)).toEqual({ ok: false });
    }
    expect(openFrom(Buffer.alloc(32, 1), sealed, info)).toEqual({ ok: false });
    expect(openFrom(bytes(first.secret), sealed, handOverBinding({ tenant: 'there' }))).toEqual({ ok: false });
  });

  it('is sealed to a public key and nothing else', () => {
    for (const to of [weak, Buffer.alloc(31, 9), Buffer.alloc(33, 9), Buffer.of()]) {
      expect(() => sealTo(to, Buffer.of(1), info, Buffer.alloc(32, 5))).toThrow('this is no X25519 public key');
    }
    expect(openFrom(bytes(first.secret), Buffer.concat([weak, sealed.subarray(32)]), info)).toEqual({ ok: false });
    expect(() => transferPublicKey(Buffer.alloc(31))).toThrow('a transfer key is 32 bytes');
  });

  it('gives each use a key of its own', () => {
    const { derive } = sealTo(bytes(first.publicKey), Buffer.of(1), info, Buffer.alloc(32, 5));
    const macs = ['a', 'b'].map((use) => createHmac('sha256', derive(use)).digest('hex'));
    expect(macs[0]).not.toBe(macs[1]);
  });
});
