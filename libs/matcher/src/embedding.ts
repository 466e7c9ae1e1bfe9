const floatBytes = 4;
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Squares of the smallest normal and the largest f32. A norm below has lost its direction, one above fits no f32. */
const squareMin = 2 ** -252;
const squareMax = (2 ** 128 - 2 ** 104) ** 2;

/**
 * What request bytes hold. `size`: not as many as the model asks for. `not-finite`: a NaN or an infinity is among them,
 * or the norm is too large for f32. `zero-norm`: all zeros, or so small that no direction is left.
 */
export type EmbeddingRead =
  | { readonly ok: true; readonly embedding: Float32Array<ArrayBuffer> }
  | { readonly ok: false; readonly reason: 'size' | 'not-finite' | 'zero-norm' };

/**
 * Reads the embedding of a model with `dim` dimensions, a whole number, from little-endian f32 bytes, aligned or not.
 * It is a copy in memory of its own: zero the bytes now, and the embedding after use. Refused bytes leave no copy.
 */
export function embeddingOf(bytes: Uint8Array, dim: number): EmbeddingRead {
  if (bytes.byteLength !== dim * floatBytes) return { ok: false, reason: 'size' };
  const embedding = copyOf(bytes, dim);
  // Squares of f32 neither overflow nor vanish in f64: a sum that is no number or infinite has a coordinate that is.
  let square = 0;
  for (let at = 0; at < embedding.length; at++) {
    const coordinate = embedding[at] as number;
    square += coordinate * coordinate;
  }
  if (square >= squareMin && square <= squareMax) return { ok: true, embedding };
  embedding.fill(0);
  return { ok: false, reason: square < squareMin ? 'zero-norm' : 'not-finite' };
}

function copyOf(bytes: Uint8Array, dim: number): Float32Array<ArrayBuffer> {
  const copy = new Float32Array(dim);
  // All at once takes half the time of one by one, which is needed only where f32 has its bytes the other way round.
  if (isLittleEndian) new Uint8Array(copy.buffer).set(bytes);
  else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < dim; at++) copy[at] = view.getFloat32(at * floatBytes, true);
  }
  return copy;
}
