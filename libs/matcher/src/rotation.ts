import { createCipheriv, hkdfSync, type KeyObject } from 'node:crypto';
import { dimMax, dimMin } from './layout.js';

const rounds = 3;
const label = 'lethe/rotation/v1';

/** One round: whose sign changes, as 1 or -1, and where each coordinate comes from. */
interface Round {
  readonly signs: Int8Array;
  readonly from: Uint16Array;
}

/**
 * A keyed orthogonal transform of embeddings (ISO/IEC 24745 renewability and unlinkability; requirements BTP-2 to BTP-4):
 * three rounds of sign flips, a permutation and a fast Walsh-Hadamard transform. Angles stay what they are, to about
 * 1e-15, so accuracy does; without the key, references of two tenants have nothing to do with each other. It is linear:
 * whoever knows the key, or enough embeddings with what became of them, can turn it back. Where the dimension is no power
 * of two the transform takes the largest one that fits, over the first coordinates and then over the last: nothing is padded.
 */
export class Rotation {
  private readonly work: Float64Array;

  private constructor(
    readonly dim: number,
    private readonly rounds: readonly Round[],
  ) {
    this.work = new Float64Array(dim);
  }

  /**
   * The rotation of a key for a purpose. Another version of the key, purpose or dimension has nothing in common with it.
   * @param secret of the tenant, 32 bytes at least
   */
  static of(secret: KeyObject, about: { readonly purpose: string; readonly version: number; readonly dim: number }) {
    const { purpose, version, dim } = about;
    if (!Number.isInteger(dim) || dim < dimMin || dim > dimMax) {
      throw new RangeError(`a dimension is from ${dimMin} to ${dimMax}, not ${dim}`);
    }
    const key = Buffer.from(hkdfSync('sha256', secret, '', `${label}|${version}|${dim}|${purpose}`, 32));
    const chance = new KeyedChance(key);
    key.fill(0);
    const made = Array.from({ length: rounds }, () => ({
      signs: Int8Array.from({ length: dim }, () => (chance.below(2) === 0 ? 1 : -1)),
      from: chance.permutation(dim),
    }));
    return new Rotation(dim, made);
  }

  /** An embedding, of any length but none, rotated and of length 1. @throws RangeError when it has no direction */
  rotate(embedding: Float32Array): Float64Array {
    if (embedding.length !== this.dim) throw new RangeError('an embedding of another dimension');
    const { work } = this;
    const length = lengthOf(embedding);
    if (!(length > 0 && length < Number.POSITIVE_INFINITY)) throw new RangeError('an embedding without a direction');
    const rotated = new Float64Array(this.dim);
    for (let at = 0; at < this.dim; at++) rotated[at] = (embedding[at] as number) / length;
    for (const { signs, from } of this.rounds) {
      for (let at = 0; at < this.dim; at++) {
        const source = from[at] as number;
        work[at] = (rotated[source] as number) * (signs[source] as number);
      }
      rotated.set(work);
      mix(rotated);
    }
    work.fill(0);
    return rotated;
  }

  /** Overwrites what it is made of: it rotates nothing any more. */
  forget(): void {
    for (const { signs, from } of this.rounds) {
      signs.fill(0);
      from.fill(0);
    }
  }
}

/** Also where squares would overflow or vanish. */
function lengthOf(embedding: Float32Array): number {
  let largest = 0;
  for (const x of embedding) if (!(Math.abs(x) <= largest)) largest = Math.abs(x);
  let square = 0;
  for (const x of embedding) square += (x / largest) ** 2;
  return largest * Math.sqrt(square);
}

/** Walsh-Hadamard over the first coordinates, and over the last where those are not all. */
function mix(vector: Float64Array): void {
  const size = 2 ** Math.floor(Math.log2(vector.length));
  walshHadamard(vector, 0, size);
  if (size < vector.length) walshHadamard(vector, vector.length - size, size);
}

/** In place, of so many coordinates, a power of two. Divided by its root, so that lengths stay. */
function walshHadamard(vector: Float64Array, from: number, size: number): void {
  const end = from + size;
  for (let half = 1; half < size; half *= 2) {
    for (let start = from; start < end; start += 2 * half) {
      for (let at = start, stop = start + half; at < stop; at++) {
        const a = vector[at] as number;
        const b = vector[at + half] as number;
        vector[at] = a + b;
        vector[at + half] = a - b;
      }
    }
  }
  const scale = 1 / Math.sqrt(size);
  for (let at = from; at < end; at++) vector[at] = (vector[at] as number) * scale;
}

/** Whole numbers from a key: AES-256 in counter mode over zeros. */
class KeyedChance {
  private readonly cipher;
  private bytes = Buffer.alloc(0);
  private at = 0;

  constructor(key: Buffer) {
    this.cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  }

  /** Each from 0 to `max` - 1 as likely as the other. `max` up to 65,536. */
  below(max: number): number {
    const fair = 65_536 - (65_536 % max);
    for (;;) {
      if (this.at + 2 > this.bytes.length) {
        this.bytes = this.cipher.update(Buffer.alloc(4_096));
        this.at = 0;
      }
      const drawn = this.bytes.readUInt16LE(this.at);
      this.at += 2;
      if (drawn < fair) return drawn % max;
    }
  }

  permutation(length: number): Uint16Array {
    const order = Uint16Array.from({ length }, (_, at) => at);
    for (let at = length - 1; at > 0; at--) {
      const other = this.below(at + 1);
      [order[at], order[other]] = [order[other] as number, order[at] as number];
    }
    return order;
  }
}
