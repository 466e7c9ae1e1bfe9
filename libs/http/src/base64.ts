const invalid = 255;
const padding = '='.charCodeAt(0);

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Uint8Array(256).fill(invalid);
for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value;

/**
 * The bytes that base64 in `text` from `start` to before `end` stands for, in a buffer of their own; undefined where it
 * is not exactly what RFC 4648, section 4, writes: no line ends, padding where due, no bits left over.
 * Here the text of a secret is bytes and stays bytes: a string could not be overwritten.
 */
export function decodeBase64(text: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const chars = end - start;
  if (chars % 4 !== 0) return undefined;
  const padded = chars === 0 ? 0 : Number(text[end - 1] === padding) + Number(text[end - 2] === padding);
  const decoded = new Uint8Array((chars / 4) * 3 - padded);
  let [at, left, bits] = [0, 0, 0];
  let wrong = 0;
  for (let n = start; n < end - padded; n++) {
    const value = values[text[n] ?? 0] ?? invalid;
    wrong |= value & 0xc0;
    bits = ((bits & 0x3f) << 6) | value;
    left += 6;
    if (left >= 8) {
      left -= 8;
      decoded[at++] = bits >> left;
    }
  }
  const remainder = bits & ((1 << left) - 1);
  if (wrong === 0 && remainder === 0) return decoded;
  decoded.fill(0);
  return undefined;
}
