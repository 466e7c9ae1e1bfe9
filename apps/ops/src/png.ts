import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

const { resolve } = createRequire(import.meta.url);

/** The same letters on every machine: no font of the system is asked for. */
const fonts = [
  'latin-400-normal',
  'latin-600-normal',
  'latin-ext-400-normal',
  'greek-400-normal',
  'cyrillic-400-normal',
  'vietnamese-400-normal',
];

let isReady: Promise<void> | undefined;

/** An SVG picture as PNG, so many pixels wide: the same bytes on every machine. */
export async function pngOf(svg: string, width: number): Promise<Uint8Array> {
  isReady ??= initWasm(readFileSync(resolve('@resvg/resvg-wasm/index_bg.wasm')));
  await isReady;
  const fontBuffers = fonts.map((font) => readFileSync(resolve(`@fontsource/inter/files/inter-${font}.woff2`)));
  const picture = new Resvg(svg, {
    fitTo: { mode: 'width', value: width },
    font: { fontBuffers, defaultFontFamily: 'Inter', sansSerifFamily: 'Inter' },
  });
  try {
    return picture.render().asPng();
  } finally {
    picture.free();
  }
}
