import * as fc from 'fast-check';
import { DueQueue } from './due-queue.js';

describe('DueQueue', () => {
  it('gives back what is due first, whatever came and went before', () => {
    const step = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.constant('shift'), fc.constant('keep'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new DueQueue<{ readonly atMs: number }>();
        let model: number[] = [];
        const shifted: (number | undefined)[][] = [];
        for (const each of steps) {
          if (typeof each === 'number') {
            queue.push({ atMs: each });
            model = [...model, each].sort((a, b) => a - b);
          } else if (each === 'shift') shifted.push([queue.shift()?.atMs, model.shift()]);
          else {
            model = model.filter((atMs) => atMs % 2 === 0);
            queue.keep(model.map((atMs) => ({ atMs })).reverse());
          }
          expect([queue.size, queue.first?.atMs]).toEqual([model.length, model[0]]);
        }
        for (const [found, expected] of shifted) expect(found).toBe(expected);
        expect(model.map(() => queue.shift()?.atMs)).toEqual(model);
        expect(queue.shift()).toBeUndefined();
      }),
    );
  });
});
