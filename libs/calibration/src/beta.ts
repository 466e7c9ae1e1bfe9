const { exp, log, log1p, abs, max, PI } = Math;

/** Of ln Γ by Stirling's series: its coefficients, for arguments from which it has fifteen digits. */
const stirling = [1 / 12, -1 / 360, 1 / 1_260, -1 / 1_680, 1 / 1_188];
const stirlingMin = 16;

function logGamma(x: number): number {
  let [at, shift] = [x, 0];
  for (; at < stirlingMin; at += 1) shift += log(at);
  let [series, power] = [0, 1 / at];
  for (const coefficient of stirling) {
    series += coefficient * power;
    power /= at * at;
  }
  return (at - 0.5) * log(at) - at + log(2 * PI) / 2 + series - shift;
}

const stepsMax = 20_000;
const tiny = 1e-300;

/** The continued fraction of the incomplete beta function, evaluated from the front (Lentz); it is quick below the mean. */
function fraction(x: number, a: number, b: number): number {
  const kept = (value: number) => (abs(value) < tiny ? tiny : value);
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1));
  let c = 1;
  let product = d;
  for (let m = 1; m <= stepsMax; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / kept(1 + even * d);
    c = kept(1 + even / c);
    product *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / kept(1 + odd * d);
    c = kept(1 + odd / c);
    product *= d * c;
    if (abs(d * c - 1) < 1e-15) break;
  }
  return product;
}

/** The probability that a beta variable of shapes `a` and `b`, both positive, is at most `x`. */
export function betaProbability(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return (front * fraction(x, a, b)) / a;
  return 1 - (front * fraction(1 - x, b, a)) / b;
}

const halvings = 64;

/** The value that a beta variable stays at or below with probability `level`, to twelve digits. */
export function betaQuantile(level: number, a: number, b: number): number {
  let [low, high] = [0, 1];
  // Rates are small: halving by ratio finds them in as few steps as others, once a lower end is known.
  while (low === 0 && high > tiny) {
    const next = high / 16;
    if (betaProbability(next, a, b) < level) low = next;
    else high = next;
  }
  for (let n = 0; n < halvings && high - low > 1e-13 * high; n++) {
    const middle = (low + high) / 2;
    if (betaProbability(middle, a, b) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The square of the value that Student's t with `freedom` degrees exceeds, either way, with probability `tails`. */
export function studentSquare(tails: number, freedom: number): number {
  const share = betaQuantile(tails, max(freedom, 1) / 2, 0.5);
  return (max(freedom, 1) * (1 - share)) / share;
}
