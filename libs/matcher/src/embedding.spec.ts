import fc from 'fast-check';
import { embeddingOf } from './embedding.js';

const bytesOf = (coordinates: Iterable<number>, offset = 0) => {
  const values = [...coordinates];
  const bytes = Buffer.alloc(offset + values.length * 4);
  for (const [n, value] of values.entries()) bytes.writeFloatLE(value, offset + n * 4);
  return bytes.subarray(offset);
};
const read = (...coordinates: number[]) => embeddingOf(bytesOf(coordinates), coordinates.length);
const [normalMin, max] = [2 ** -126, 2 ** 128 - 2 ** 104];
const subnormal = 2 ** -149;

describe('an embedding', () => {
  it('is read bit by bit, wherever its bytes lie, into memory of its own', () => {
    const coordinates = fc.float32Array({
      noNaN: true,
      noDefaultInfinity: true,
      min: -1_000,
      max: 1_000,
      minLength: 1,
    });
    fc.assert(
      fc.property(coordinates, fc.nat(7), (vector, offset) => {
        fc.pre(Math.hypot(...vector) > 1e-30);
        const bytes = bytesOf(vector, offset);
        const given = embeddingOf(bytes, vector.length);
        expect(given).toEqual({ ok: true, embedding: vector });
        bytes.fill(0);
        expect(given).toEqual({ ok: true, embedding: vector });
      }),
    );
  });

  it('is what its bits say: f32, finite, with a direction, or refused', () => {
    const bits = fc.uint32Array({ minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(bits, (words) => {
        const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
        const numbers = [...new Float32Array(words.buffer, words.byteOffset, words.length)];
        const norm = Math.hypot(...numbers);
        const finite = numbers.every(Number.isFinite) && norm <= max;
        const reason = finite ? 'zero-norm' : 'not-finite';
        const fits = finite && norm >= normalMin;
        expect(embeddingOf(bytes, 4)).toMatchObject(fits ? { ok: true } : { ok: false, reason });
      }),
    );
  });

  it.each([
    [0, 4],
    [4, 0],
    [8, 1],
    [7, 2],
    [9, 2],
    [2_048, 513],
    [2_048, 511],
    [4, -1],
    [4, Number.NaN],
  ])('of %i bytes is refused for %p dimensions', (length, dim) => {
    expect(embeddingOf(new Uint8Array(length).fill(1), dim)).toEqual({ ok: false, reason: 'size' });
  });

  it.each([[[Number.NaN, 1]], [[1, Number.POSITIVE_INFINITY]], [[Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]]])(
    'of %p is refused as not finite',
    (coordinates) => expect(read(...coordinates)).toEqual({ ok: false, reason: 'not-finite' }),
  );

  it('is refused when its norm is too large for f32, though no coordinate is', () => {
    expect(read(max, 0)).toMatchObject({ ok: true });
    expect(read(max, max)).toEqual({ ok: false, reason: 'not-finite' });
  });

  it.each([[[0]], [[0, -0, 0]], [[subnormal, subnormal]], [[normalMin - subnormal, 0]]])(
    'of %p is refused as without direction',
    (coordinates) => expect(read(...coordinates)).toEqual({ ok: false, reason: 'zero-norm' }),
  );

  it('of no dimensions is refused', () => {
    expect(embeddingOf(new Uint8Array(0), 0)).toEqual({ ok: false, reason: 'zero-norm' });
  });

  it('as small as a normal f32 still has a direction', () => {
    expect(read(normalMin, 0)).toMatchObject({ ok: true });
  });
});
