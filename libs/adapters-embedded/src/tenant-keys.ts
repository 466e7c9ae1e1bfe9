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

/** A tenant whose keys are awaited from another key service. They are in use for nothing else before they are admitted. */
export interface Arrival {
  /** The private half of what they are sealed to: X25519. */
  readonly transfer: KeyObject;
  /** What was taken over, and from which hand-over (its SHA-256). */
  readonly taken?: { readonly handOver: string; readonly keys: TenantKeys };
}

export interface AllKeys {
  readonly tenants: ReadonlyMap<string, TenantKeys>;
  readonly arrivals: ReadonlyMap<string, Arrival>;
}

export const noKeys: AllKeys = { tenants: new Map(), arrivals: new Map() };

const Name = z.string().max(63);
const Numbers = z.array(z.int().min(1).max(1_000_000_000)).min(1).max(100_000);
const Numbered = z.strictObject({ versions: Numbers, generations: Numbers });
/** Which keys there are. The keys themselves follow, in this order, so that none of them is ever text in memory. */
const Listed = z.strictObject({
  format: z.literal(1),
  tenants: z.record(Name, Numbered),
  /** Left out where there are none, as in files from before tenants could move. */
  arrivals: z
    .record(
      Name,
      z.strictObject({ taken: Numbered.extend({ handOver: z.string().regex(/^[0-9a-f]{64}$/) }).optional() }),
    )
    .optional(),
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
export function encodeKeys({ tenants, arrivals }: AllKeys): Buffer {
  const keys: Buffer[] = [];
  const numbersOf = ({ versions, generations, secret, signing }: TenantKeys) => {
    for (const key of [...versions.values(), ...generations.values(), secret]) keys.push(key.export());
    keys.push(seedOf(signing));
    return { versions: [...versions.keys()], generations: [...generations.keys()] };
  };
  const listed: z.input<typeof Listed> = { format: 1, tenants: {} };
  for (const [tenant, each] of asListed(tenants)) listed.tenants[tenant] = numbersOf(each);
  for (const [tenant, { transfer, taken }] of asListed(arrivals)) {
    keys.push(transfer.export());
    const known = taken && { handOver: taken.handOver, ...numbersOf(taken.keys) };
    listed.arrivals = { ...listed.arrivals, [tenant]: { taken: known } };
  }
  const list = Buffer.from(JSON.stringify(listed));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(list.length);
  const encoded = Buffer.concat([length, list, ...keys]);
  for (const key of keys) key.fill(0);
  return encoded;
}

/** In the order in which an object has its members, which is not that of a map where a name is a number. */
const asListed = <T>(each: ReadonlyMap<string, T>): [string, T][] => Object.entries(Object.fromEntries(each));

/** Zeroes the bytes. @throws Error when `encodeKeys` did not make them */
export function decodeKeys(encoded: Buffer): AllKeys {
  try {
    let at = lengthBytes + encoded.readUInt32BE();
    const listed = Listed.parse(JSON.parse(encoded.toString('utf8', lengthBytes, at)));
    const next = () => {
      at += dataKeyBytes;
      return encoded.subarray(at - dataKeyBytes, at);
    };
    const numbered = (numbers: readonly number[]) => new Map(numbers.map((number) => [number, dataKeyFrom(next())]));
    const keysOf = ({ versions, generations }: z.output<typeof Numbered>): TenantKeys => ({
      versions: numbered(versions),
      generations: numbered(generations),
      secret: dataKeyFrom(next()),
      signing: signingKeyFrom(next()),
    });
    const tenants = new Map(Object.entries(listed.tenants).map(([tenant, each]) => [tenant, keysOf(each)]));
    const arrivals = new Map(
      Object.entries(listed.arrivals ?? {}).map(([tenant, { taken }]): [string, Arrival] => {
        const transfer = dataKeyFrom(next());
        return [tenant, { transfer, ...(taken && { taken: { handOver: taken.handOver, keys: keysOf(taken) } }) }];
      }),
    );
    if (at !== encoded.length) throw new Error('there are more keys than listed');
    return { tenants, arrivals };
  } finally {
    encoded.fill(0);
  }
}
