const { isFinite } = Number;
const { sqrt } = Math;

/** Below this a vector points nowhere that arithmetic in f32 could say. */
const normMin = 1e-6;
const normMax = 1e18;

export type EmbeddingRead =
  | { readonly ok: true; readonly embedding: Float32Array }
  | { readonly ok: false; readonly reason: 'size' | 'not-finite' | 'zero-norm' };

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Reads an embedding of `dim` coordinates from little-endian f32, aligned or not, into memory of its own, which the
 * caller overwrites after use. Never a string or an array of JavaScript numbers. Refused where it has another size, a
 * coordinate that is no finite number, or a norm that is zero or beyond use.
 */
export function EmbeddingOf(bytes: Uint8Array, dim: number): EmbeddingRead {
  if (bytes.byteLength !== 4 * dim) return { ok: false, reason: 'size' };
  const embedding = new Float32Array(dim);
  if (isLittleEndian) new Uint8Array(embedding.buffer).set(bytes);
  else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let n = 0; n < dim; n++) embedding[n] = view.getFloat32(4 * n, true);
  }
  const squares = sumOfSquares(embedding);
  const reason = isFinite(squares) ? (isUsable(sqrt(squares)) ? undefined : 'zero-norm') : 'not-finite';
  if (!reason) return { ok: true, embedding };
  embedding.fill(0);
  return { ok: false, reason };
}

const isUsable = (norm: number) => norm >= normMin && norm <= normMax;

/** In f64, so that no finite f32 overflows: not finite means that a coordinate is not. */
function sumOfSquares(vector: Float32Array): number {
  let sum = 0;
  for (let n = 0; n < vector.length; n++) {
    const x = vector[n] as number;
    sum += x * x;
  }
  return sum;
}
