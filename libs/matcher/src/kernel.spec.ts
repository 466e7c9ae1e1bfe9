import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { compiledKernel, kernelForms } from './kernel.js';
import { blockRows, layoutOf } from './layout.js';
import { attach } from './scan.program.js';

const layout = layoutOf(64, 1, 1);

const overMemory = (form: (typeof kernelForms)[number]) => {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  return { memory, kernel: attach(memory, layout, compiledKernel(form)).kernel };
};

/** A plane of half bytes: of 64 coordinates, the first sixteen are the lower halves of 16 bytes, the second the upper, and so on. */
const planeOf = (halves: readonly number[]) =>
  Uint8Array.from({ length: halves.length / 2 }, (_, byte) => {
    const first = Math.floor(byte / 16) * 32 + (byte % 16);
    return (halves[first] as number) + 16 * (halves[first + 16] as number);
  });

const numbers = (length: number, min: number, max: number) =>
  fc.array(fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)), { minLength: length, maxLength: length });

describe.each(kernelForms)('the %s kernel', (form) => {
  const { memory, kernel } = overMemory(form);
  const bytes = new Int8Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  const [upperAt, lowerAt, probesAt, foundAt, dotsAt] = [0, 32_768, 65_536, 131_072, 196_608];
  const dotsOf = (probe: number) => [...words.subarray(dotsAt / 4 + probe * 3, dotsAt / 4 + probe * 3 + 3)];

  it.each([64, 128, 576, 2_048])('has the dots of rows of %s coordinates, one probe or four at a time', (stride) => {
    fc.assert(
      fc.property(numbers(stride * 3, 0, 255), numbers(stride * 4, -127, 127), (rows, probes) => {
        bytes.set(planeOf(rows.map((u) => u >> 4)), upperAt);
        bytes.set(planeOf(rows.map((u) => u & 15)), lowerAt);
        bytes.set(probes, probesAt);
        const dots = (halves: readonly number[], probe: number) =>
          [0, 1, 2].map((row) =>
            halves
              .slice(row * stride, (row + 1) * stride)
              .reduce((sum, x, at) => sum + x * (probes[probe * stride + at] as number), 0),
          );
        const upperHalves = rows.map((u) => (u >> 4) * 32);
        const upper = [0, 1, 2, 3].map((probe) => dots(upperHalves, probe));
        kernel.coarse(upperAt, 3, stride, probesAt + stride, dotsAt);
        expect(dotsOf(0)).toEqual(upper[1]);
        // Two of the rows are found.
        words.set([0, 0, 0, 2, 0, 0], foundAt / 4);
        kernel.fine(lowerAt, foundAt, 2, stride, probesAt + stride, dotsAt);
        const doubled = rows.map((u) => u * 2);
        const whole = dots(doubled, 1);
        expect(dotsOf(0)).toEqual([whole[0], upper[1]?.[1], whole[2]]);
        if (!kernel.coarseFour) return;
        kernel.coarseFour(upperAt, 3, stride, probesAt, dotsAt);
        expect([0, 1, 2, 3].map(dotsOf)).toEqual(upper);
      }),
      { numRuns: 40 },
    );
  });

  it('writes nothing for no rows', () => {
    words.fill(7, dotsAt / 4, dotsAt / 4 + 4);
    kernel.coarse(upperAt, 0, 64, probesAt, dotsAt);
    kernel.coarseFour?.(upperAt, 0, 64, probesAt, dotsAt);
    kernel.fine(lowerAt, foundAt, 0, 64, probesAt, dotsAt);
    expect(words[dotsAt / 4]).toBe(7);
    expect(kernel.collect(dotsAt, 0, 0, 0, 0, 1, 1, 1, 0, foundAt)).toBe(0);
    expect(kernel.narrow(foundAt, 0, dotsAt, 0, 0, 0, 1, 1, 1, 0)).toBe(0);
  });

  it('keeps of what was found what still reaches the floor', () => {
    const reals = new Float32Array(memory.buffer);
    const [scalesAt, errorsAt] = [0, 32_768];
    words.set([10, 20, 30, 40], dotsAt / 4);
    reals.set([1, 1, 0.5, 1], scalesAt / 4);
    reals.set([8, 0, 4, Number.NEGATIVE_INFINITY], errorsAt / 4);
    const all = [4, dotsAt, 2, scalesAt, errorsAt, 0.5, 1, 0.25] as const;
    const [count, dots, less, ...figures] = all;
    expect(kernel.collect(dots, count, less, ...figures, 9.5, foundAt)).toBe(2);
    expect([words[foundAt / 4], ...reals.subarray(foundAt / 4 + 1, foundAt / 4 + 3)]).toEqual([0, 12.25, -4.25]);
    words.set([0], dotsAt / 4);
    expect(kernel.narrow(foundAt, 2, dots, less, ...figures, 9.5)).toBe(1);
    expect([words[foundAt / 4], ...reals.subarray(foundAt / 4 + 1, foundAt / 4 + 3)]).toEqual([2, 11.25, 2.75]);
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
