const { min, max, sqrt } = Math;

/**
 * The cosine of the angle between two embeddings of the same length, unit or not: -1 to 1, and exactly 1 with itself.
 *
 * The same inputs give the same bits on every machine, so that a decision can be taken again later: coordinates are f32,
 * their products exact in f64, and summed one by one from the first to the last. Another order, such as several sums
 * side by side, changes the last bits, and with them decisions on scores that lie on a threshold.
 *
 * NaN where an embedding has no direction or is not finite (`embeddingOf` reads none such): no card accepts that.
 * @throws RangeError when the lengths differ: embeddings of two models were mixed, a bug of the caller
 */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new RangeError('embeddings of different lengths are not comparable');
  let dot = 0;
  let squareA = 0;
  let squareB = 0;
  for (let at = 0; at < a.length; at++) {
    const x = a[at] as number;
    const y = b[at] as number;
    dot += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return max(-1, min(1, dot / sqrt(squareA * squareB)));
}

/** Scales an embedding to length 1, in place, each coordinate rounded to f32 once. One without a direction stays as it is. */
export function unitNorm(embedding: Float32Array): void {
  const norm = sqrt(embedding.reduce((square, coordinate) => square + coordinate * coordinate, 0));
  if (!(norm > 0 && norm < Number.POSITIVE_INFINITY)) return;
  for (let at = 0; at < embedding.length; at++) embedding[at] = (embedding[at] as number) / norm;
}
