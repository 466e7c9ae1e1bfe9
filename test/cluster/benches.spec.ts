import { isFigure, smokeOf, trialsIn } from '../support/trials.js';

const trials = await trialsIn('cluster/*.trial.ts');

it.each(trials)(
  'trial still works: $name',
  async (trial) => {
    const { lines, figures } = await smokeOf(trial);
    expect(lines).toBeGreaterThan(0);
    expect(figures.filter((figure) => !isFigure(figure))).toEqual([]);
  },
  300_000,
);
