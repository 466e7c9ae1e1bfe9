import jpeg from 'jpeg-js';

/**
 * A decoded picture: `data` holds red, green and blue of each pixel, row by row.
 * @typedef {{ width: number, height: number, data: Uint8Array }} Pixels
 */

/** Reads a JPEG, given as bytes. */
export function decoded(bytes) {
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
  return { width, height, data };
}

/** A picture whose pixel at (x, y) is the one of `source` at `from(x, y)`; black where that is outside. */
function drawn(source, width, height, from) {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = from(x, y);
      if (column < 0 || row < 0 || column >= source.width || row >= source.height) continue;
      const [at, to] = [(row * source.width + column) * 3, (y * width + x) * 3];
      for (let channel = 0; channel < 3; channel++) data[to + channel] = source.data[at + channel];
    }
  }
  return { width, height, data };
}

/** The part of `pixels` inside a box; what of the box is outside is left out. */
export function cut(pixels, { x, y, width, height }) {
  const [left, top] = [Math.max(0, Math.round(x)), Math.max(0, Math.round(y))];
  const right = Math.min(pixels.width, Math.round(x + width));
  const bottom = Math.min(pixels.height, Math.round(y + height));
  return drawn(pixels, right - left, bottom - top, (column, row) => [column + left, row + top]);
}

/** Without `share` of the width at the left and at the right, and of the height above and below. */
export const cropped = (pixels, share) =>
  cut(pixels, {
    x: pixels.width * share,
    y: pixels.height * share,
    width: pixels.width * (1 - 2 * share),
    height: pixels.height * (1 - 2 * share),
  });

export const mirrored = (pixels) => drawn(pixels, pixels.width, pixels.height, (x, y) => [pixels.width - 1 - x, y]);

/** Brighter by `factor`, or darker by one below 1; no channel goes beyond the brightest there is. */
export const brightened = (pixels, factor) => ({
  ...pixels,
  data: pixels.data.map((value) => Math.min(255, Math.round(value * factor))),
});

/** Turned clockwise about its centre. */
export function turned(pixels, degrees) {
  const { width, height } = pixels;
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const [sine, cosine] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  return drawn(pixels, width, height, (x, y) => [
    Math.round(middleX + cosine * (x - middleX) + sine * (y - middleY)),
    Math.round(middleY - sine * (x - middleX) + cosine * (y - middleY)),
  ]);
}

/** As large as before, of only `share` of the pixels in each direction. */
export const coarsened = (pixels, share) =>
  drawn(pixels, pixels.width, pixels.height, (x, y) => [
    Math.floor(Math.floor(x * share) / share),
    Math.floor(Math.floor(y * share) / share),
  ]);

/** Written as a JPEG of `quality`, 1 to 100, and read again. */
export function recompressed({ width, height, data }, quality) {
  const withAlpha = new Uint8Array(width * height * 4).fill(255);
  for (let n = 0; n < width * height; n++) withAlpha.set(data.subarray(n * 3, n * 3 + 3), n * 4);
  return decoded(jpeg.encode({ width, height, data: withAlpha }, quality).data);
}
