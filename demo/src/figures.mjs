/** Cosine similarity of two descriptors: what the server compares with the thresholds of the card. */
export function cosine(a, b) {
  let [dot, normA, normB] = [0, 0, 0];
  for (let n = 0; n < a.length; n++) {
    dot += a[n] * b[n];
    normA += a[n] * a[n];
    normB += b[n] * b[n];
  }
  return dot / Math.sqrt(normA * normB);
}

/** Probability of at most `k` of `n`, each happening with probability `p`. */
function atMost(k, n, p) {
  let [term, sum] = [(1 - p) ** n, 0];
  for (let i = 0; i <= k; i++) {
    sum += term;
    term *= ((n - i) / (i + 1)) * (p / (1 - p));
  }
  return sum;
}

/** The p between 0 and 1 at which `falling`, which falls with p, comes down to `level`. */
function crossing(falling, level) {
  let [low, high] = [0, 1];
  for (let n = 0; n < 60; n++) {
    const middle = (low + high) / 2;
    if (falling(middle) > level) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * The 95 % interval of a rate of which `k` of `n` were seen (Clopper and Pearson): exact, on the wide side. Where none
 * was seen only the upper end can be wrong and has the whole 5 %: about 3 / n, the rule of three (ISO/IEC 19795-1).
 */
export function interval(k, n) {
  const low = k === 0 ? 0 : crossing((p) => atMost(k - 1, n, p), 0.975);
  const high = k === n ? 1 : crossing((p) => atMost(k, n, p), k === 0 ? 0.05 : 0.025);
  return { low, high };
}
