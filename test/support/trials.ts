import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Trial } from '../bench/trial.js';

const folder = join(import.meta.dirname, '../bench');

/** The trials in files of this kind, under test/bench. */
export async function trialsIn(pattern: string): Promise<Trial[]> {
  const trials: Trial[] = [];
  // One after the other: jest cannot link modules that wait at their top while others are being loaded.
  for (const file of globSync(pattern, { cwd: folder }).sort()) {
    trials.push(...Object.values((await import(join(folder, file))) as Record<string, Trial>));
  }
  return trials;
}

/** What a trial says in its smallest form: every figure of it is one. */
export async function smokeOf(trial: Trial): Promise<{ lines: number; figures: readonly (string | number)[] }> {
  const lines = await trial.run(trial.smoke);
  return { lines: lines.length, figures: lines.flatMap((line) => Object.values(line)) };
}

export const isFigure = (figure: string | number): boolean => typeof figure === 'string' || Number.isFinite(figure);
