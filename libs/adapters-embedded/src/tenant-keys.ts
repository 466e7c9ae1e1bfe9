import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { dataKeyBytes, dataKeyFrom, type SigningKey, seedOf, signingKeyFrom } from '#lib/envelope';
import type { Random } from '#lib/ports';

/** The keys of one tenant: versions of its key and generations by number, its secret, and what it signs with. */
export interface TenantKeys {
  readonly versions: ReadonlyMap<number, KeyObject>;
  readonly generations: ReadonlyMap<number, KeyObject>;
  readonly secret: KeyObject;
  readonly signing: SigningKey;
}

export type AllKeys = ReadonlyMap<string, TenantKeys>;

const Numbers = z.array(z.int().min(1).max(1_000_000_000)).min(1).max(100_000);
/** Which keys there are. The keys themselves follow, in this order, so that none of them is ever text in memory. */
const Listed = z.strictObject({
  format: z.literal(1),
  tenants: z.record(z.string().max(63), z.strictObject({ versions: Numbers, generations: Numbers })),
});

const lengthBytes = 4;

export function makeTenantKeys(random: Random): TenantKeys {
  return {
    versions: new Map([[1, makeKey(random)]]),
    generations: new Map([[1, makeKey(random)]]),
    secret: makeKey(random),
    signing: signingKeyFrom(random.bytes(dataKeyBytes)),
  };
}

export const makeKey = (random: Random): KeyObject => dataKeyFrom(random.bytes(dataKeyBytes));

/** The number a key has, or is to be followed from. */
export const newestOf = (keys: ReadonlyMap<number, KeyObject>): number => Math.max(...keys.keys());

/** All keys as bytes: the length of a list in JSON, the list, the keys. The caller seals and zeroes them. */
export function encodeKeys(all: AllKeys): Buffer {
  const listed: z.input<typeof Listed> = { format: 1, tenants: {} };
  const keys: Buffer[] = [];
  for (const [tenant, { versions, generations, secret, signing }] of all) {
    listed.tenants[tenant] = { versions: [...versions.keys()], generations: [...generations.keys()] };
    for (const key of [...versions.values(), ...generations.values(), secret]) keys.push(key.export());
    keys.push(seedOf(signing));
  }
  const list = Buffer.from(JSON.stringify(listed));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(list.length);
  const encoded = Buffer.concat([length, list, ...keys]);
  for (const key of keys) key.fill(0);
  return encoded;
}

/** Zeroes the bytes. @throws Error when `encodeKeys` did not make them */
export function decodeKeys(encoded: Buffer): AllKeys {
  try {
    let at = lengthBytes + encoded.readUInt32BE();
    const { tenants } = Listed.parse(JSON.parse(encoded.toString('utf8', lengthBytes, at)));
    const next = () => {
      at += dataKeyBytes;
      return encoded.subarray(at - dataKeyBytes, at);
    };
    const numbered = (numbers: readonly number[]) => new Map(numbers.map((number) => [number, dataKeyFrom(next())]));
    const all = new Map(
      Object.entries(tenants).map(([tenant, { versions, generations }]): [string, TenantKeys] => [
        tenant,
        {
          versions: numbered(versions),
          generations: numbered(generations),
          secret: dataKeyFrom(next()),
          signing: signingKeyFrom(next()),
        },
      ]),
    );
    if (at !== encoded.length) throw new Error('there are more keys than listed');
    return all;
  } finally {
    encoded.fill(0);
  }
}
