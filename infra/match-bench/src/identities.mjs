/**
 * Embeddings as a face recogniser makes them, of people who do not exist: unit vectors whose variance falls off from
 * coordinate to coordinate, so that about 330 of 512 matter and two strangers score 0 ± 0.056; one in twenty is like a
 * relative of somebody. The same for the same seed.
 */
const spread = 0.9;

/** Normal numbers, made many times faster than by logarithms: twelve bytes of a generator summed (Irwin and Hall). */
function normals(seed) {
  let a = seed | 0 || 1;
  const next = () => {
    a ^= a << 13;
    a ^= a >>> 17;
    a ^= a << 5;
    return a >>> 0;
  };
  return () => {
    let sum = 0;
    for (let word = 0; word < 3; word++) {
      const bits = next();
      sum += (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    }
    return (sum - 12 * 127.5) / Math.sqrt((12 * (256 * 256 - 1)) / 12);
  };
}

export class Identities {
  constructor(dim, seed) {
    this.dim = dim;
    this.normal = normals(seed);
    this.scales = Float64Array.from({ length: dim }, (_, at) => Math.exp((-spread * at) / dim));
  }

  /** Somebody, written to `into`. */
  stranger(into) {
    let square = 0;
    for (let at = 0; at < this.dim; at++) {
      const x = this.normal() * this.scales[at];
      into[at] = x;
      square += x * x;
    }
    const length = Math.sqrt(square);
    for (let at = 0; at < this.dim; at++) into[at] /= length;
  }

  /** Somebody who scores about `score` with a person. */
  near(person, score, into) {
    const other = new Float64Array(this.dim);
    this.stranger(other);
    let dot = 0;
    for (let at = 0; at < this.dim; at++) dot += other[at] * person[at];
    let square = 0;
    for (let at = 0; at < this.dim; at++) {
      other[at] -= dot * person[at];
      square += other[at] ** 2;
    }
    const part = Math.sqrt((1 - score * score) / square);
    for (let at = 0; at < this.dim; at++) into[at] = score * person[at] + part * other[at];
  }

  /** So many people, one after the other in one array. */
  people(count) {
    const { dim } = this;
    const all = new Float32Array(count * dim);
    for (let n = 0; n < count; n++) {
      const into = all.subarray(n * dim, (n + 1) * dim);
      if (n > 0 && n % 20 === 0) this.near(all.subarray((n - 1) * dim, n * dim), 0.35 + 0.05 * this.normal(), into);
      else this.stranger(into);
    }
    return all;
  }

  /** A new picture of a person: a score of 0.65 ± 0.1 with the one that is enrolled. */
  probeOf(person) {
    const probe = new Float32Array(this.dim);
    this.near(person, Math.min(0.95, Math.max(0.2, 0.65 + 0.1 * this.normal())), probe);
    return probe;
  }
}
