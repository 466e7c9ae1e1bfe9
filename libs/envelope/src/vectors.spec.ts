import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AssociatedData,
  type KeyBinding,
  keyBinding,
  type PersonalBinding,
  personalBinding,
  type TemplateBinding,
  templateBinding,
} from './associated-data.js';
import { dataKeyFrom } from './data-key.js';
import { open, openInto, seal, sealedOverheadBytes } from './sealed-record.js';

type Bound =
  | { readonly kind: 'template'; readonly binding: TemplateBinding }
  | { readonly kind: 'personal'; readonly binding: PersonalBinding }
  | { readonly kind: 'key'; readonly binding: KeyBinding };
type Good = Bound & Readonly<Record<'name' | 'key' | 'nonce' | 'plaintext' | 'aad' | 'sealed', string>>;
type Bad = Bound & Readonly<Record<'name' | 'key' | 'sealed' | 'reason', string>>;

const read = (file: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, '../vectors', file), 'utf8'));
const good = read('good.json') as readonly Good[];
const rejected = read('rejected.json') as readonly Bad[];

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const keyOf = ({ key }: { key: string }) => dataKeyFrom(bytes(key));
const boundTo = (bound: Bound): AssociatedData => {
  if (bound.kind === 'template') return templateBinding(bound.binding);
  return bound.kind === 'personal' ? personalBinding(bound.binding) : keyBinding(bound.binding);
};

/** Frozen, and made by another implementation of the format: stored records are like these and must open for ever. */
describe('sealed records of the vectors', () => {
  it.each(good)('are made byte by byte: $name', (vector) => {
    const aad = boundTo(vector);
    expect(Buffer.from(aad).toString('hex')).toBe(vector.aad);
    const sealed = seal(keyOf(vector), bytes(vector.plaintext), aad, bytes(vector.nonce));
    expect(sealed.toString('hex')).toBe(vector.sealed);
  });

  it.each(good)('are opened: $name', (vector) => {
    const opened = open(keyOf(vector), bytes(vector.sealed), boundTo(vector));
    expect(opened).toEqual({ ok: true, plaintext: bytes(vector.plaintext) });
    const target = Buffer.alloc(bytes(vector.plaintext).length, 0xee);
    expect(openInto(keyOf(vector), bytes(vector.sealed), boundTo(vector), target)).toEqual({ ok: true });
    expect(target.toString('hex')).toBe(vector.plaintext);
  });

  it.each(rejected)('are rejected: $name', (vector) => {
    const { reason } = vector;
    expect(open(keyOf(vector), bytes(vector.sealed), boundTo(vector))).toEqual({ ok: false, reason });

    const target = Buffer.alloc(Math.max(0, bytes(vector.sealed).length - sealedOverheadBytes), 0xee);
    expect(openInto(keyOf(vector), bytes(vector.sealed), boundTo(vector), target)).toEqual({ ok: false, reason });
    expect(target.every((byte) => byte === 0)).toBe(true);
  });
});
