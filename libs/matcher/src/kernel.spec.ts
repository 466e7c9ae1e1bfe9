import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { compiledKernel, kernelForms } from './kernel.js';
import { blockRows, layoutOf } from './layout.js';
import { attach } from './scan.program.js';

const layout = layoutOf(64, 1, 1);

/** Rows and probes of any allowed coordinates, over one block. */
function over(form: (typeof kernelForms)[number]) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  return { memory, kernel: attach(memory, layout, compiledKernel(form)).kernel };
}

describe.each(kernelForms)('the %s kernel', (form) => {
  const { memory, kernel } = over(form);
  const bytes = new Int8Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  const [rowsAt, probesAt, sumsAt, dotsAt] = [0, 65_536, 131_072, 196_608];
  const coordinates = (max: number, length: number) =>
    fc.array(fc.oneof(fc.integer({ min: -max, max }), fc.constantFrom(-max, max)), {
      minLength: length,
      maxLength: length,
    });

  it.each([64, 128, 576, 2_048])('has the dot products of rows of %s bytes, one probe or four at a time', (stride) => {
    const count = 3;
    fc.assert(
      fc.property(coordinates(127, stride * count), coordinates(63, stride * 4), (rows, probes) => {
        bytes.set(rows, rowsAt);
        bytes.set(
          probes.map((x) => x + 64),
          probesAt,
        );
        const row = (n: number) => rows.slice(n * stride, (n + 1) * stride);
        words.set(
          [0, 1, 2].map((n) => 64 * row(n).reduce((sum, x) => sum + x, 0)),
          sumsAt / 4,
        );
        const dot = (n: number, probe: number) =>
          row(n).reduce((sum, x, at) => sum + x * (probes[probe * stride + at] as number), 0);
        kernel.scan(rowsAt, count, stride, probesAt + stride, sumsAt, dotsAt);
        expect([...words.subarray(dotsAt / 4, dotsAt / 4 + count)]).toEqual([0, 1, 2].map((n) => dot(n, 1)));
        if (!kernel.scanFour) return;
        kernel.scanFour(rowsAt, count, stride, probesAt, sumsAt, dotsAt);
        const all = [0, 1, 2, 3].flatMap((probe) => [0, 1, 2].map((n) => dot(n, probe)));
        expect([...words.subarray(dotsAt / 4, dotsAt / 4 + 4 * count)]).toEqual(all);
      }),
      { numRuns: 40 },
    );
  });

  it('writes nothing for no rows', () => {
    words.fill(7, dotsAt / 4, dotsAt / 4 + 4);
    kernel.scan(rowsAt, 0, 64, probesAt, sumsAt, dotsAt);
    expect(words[dotsAt / 4]).toBe(7);
    expect(kernel.collect(dotsAt, 0, 0, 0, 1, 1, 1, 0, 300_000)).toBe(0);
  });
});

describe('the kernel', () => {
  it('is built from its text; when this fails, run npm run kernel', async () => {
    const root = join(import.meta.dirname, '../../..');
    const { kernelModules } = (await import(join(root, 'infra/kernel.mjs'))) as {
      kernelModules: () => Promise<string>;
    };
    expect(readFileSync(join(import.meta.dirname, 'kernel.modules.ts'), 'utf8')).toBe(await kernelModules());
  });

  it('is used with blocks of the size that the layout has', () => {
    const text = readFileSync(join(import.meta.dirname, 'scan.program.ts'), 'utf8');
    expect(text).toContain(`const blockRows = ${blockRows.toLocaleString('en').replaceAll(',', '_')};`);
  });
});
