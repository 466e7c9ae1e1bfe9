const { sqrt, min, max } = Math;

/**
 * Cosine similarity of two embeddings of the same dimension, not both of norm 1 by necessity; -1 to 1.
 * Coordinates are f32, sums f64 in the order of the coordinates, so that the same two vectors have the same score on
 * every machine and a decision can be taken again.
 */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error('embeddings of different dimensions are not compared');
  let dot = 0;
  let squaresOfA = 0;
  let squaresOfB = 0;
  for (let n = 0; n < a.length; n++) {
    const x = a[n] as number;
    const y = b[n] as number;
    dot += x * y;
    squaresOfA += x * x;
    squaresOfB += y * y;
  }
  return max(-1, min(1, dot / (sqrt(squaresOfA) * sqrt(squaresOfB))));
}
