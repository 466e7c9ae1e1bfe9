import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { calibrate, detPicture } from '#lib/calibration';
import { Text } from '#lib/core';
import { Dimension, ModelIdentity } from '#lib/policy/contract';
import { cardOf, percent, sampleOf } from './calibration-card.js';
import { calibrationLines, calibrationReport } from './calibration-report.js';
import { readComparisons } from './comparison-file.js';
import { pngOf } from './png.js';
import { progressOn } from './progress.js';

const pngWidth = 1_800;
const datasetMax = 2_000;

interface Choice {
  readonly model: string;
  readonly modelVersion: string;
  readonly dim: number;
  readonly fmr: number;
  readonly reviewFmr: number;
  readonly out: string;
  readonly dataset?: string;
  readonly enrolments?: number;
  readonly failedEnrolments?: number;
}

/** Thresholds from comparisons whose truth is known. It needs no data folder and no server. */
export function addCalibrateCommand(program: Command): void {
  program
    .command('calibrate <file>')
    .description('makes a threshold card and a DET curve from labelled comparisons: CSV, NDJSON or Parquet')
    .requiredOption(
      '--model <id>',
      'the model that made the embeddings',
      fitting(ModelIdentity.shape.id, 'Lower-case letters, digits and hyphens.'),
    )
    .requiredOption(
      '--model-version <version>',
      'its version',
      fitting(ModelIdentity.shape.version, 'Up to 40 characters.'),
    )
    .requiredOption(
      '--dim <count>',
      'how many numbers an embedding has',
      fitting(z.coerce.number().pipe(Dimension), 'From 16 to 2048.'),
    )
    .option('--fmr <rate>', 'accept at no more than this false match rate', rateOf, 0.0001)
    .option('--review-fmr <rate>', 'inconclusive from this false match rate', rateOf, 0.01)
    .option(
      '--dataset <text>',
      'where the comparisons come from, for the card',
      fitting(Text.max(datasetMax), `Up to ${datasetMax} characters.`),
    )
    .option('--enrolments <count>', 'how many people were to be enrolled', countOf)
    .option('--failed-enrolments <count>', 'of how many of them no template could be made', countOf)
    .option('--out <folder>', 'where to write threshold-card.json, det.svg, det.png and report.md', '.')
    .action(async (file: string, choice: Choice, command: Command) => {
      const fault = misfitOf(choice);
      if (fault) command.error(`error: ${fault}`, { exitCode: 2, code: 'lethe.calibrate' });
      await calibrated(file, choice);
    });
}

async function calibrated(path: string, choice: Choice): Promise<void> {
  const { model: id, modelVersion: version, dim, fmr, reviewFmr, out, dataset } = choice;
  const progress = progressOn(process.stderr);
  const file = await readComparisons(path, progress).finally(() => progress.end());
  const { enrolments: attempted, failedEnrolments: failed = 0 } = choice;
  const enrolments = attempted === undefined ? undefined : { attempted, failed };
  const calibration = calibrate(file.comparisons, { fmr, reviewFmr, enrolments });
  const card = cardOf(calibration, file, { model: { id, version, dim }, dataset });
  const svg = detPicture(calibration, { title: `DET curve of ${id} ${version}`, subtitle: sampleOf(calibration) });
  const files = {
    'threshold-card.json': `${JSON.stringify(card, undefined, 2)}\n`,
    'det.svg': svg,
    'det.png': await pngOf(svg, pngWidth),
    'report.md': calibrationReport(calibration, file, card),
  };
  mkdirSync(out, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(out, name), content);
  for (const line of calibrationLines(calibration, file)) console.log(line);
  console.log(`${Object.keys(files).join(', ')} are in ${out}`);
}

function misfitOf({ fmr, reviewFmr, enrolments, failedEnrolments }: Choice): string | undefined {
  if (reviewFmr < fmr) return `--review-fmr ${percent(reviewFmr)} is below --fmr ${percent(fmr)}`;
  if (failedEnrolments === undefined) return undefined;
  if (enrolments === undefined) return '--failed-enrolments needs --enrolments';
  return failedEnrolments > enrolments ? 'more enrolments failed than were made' : undefined;
}

/** A value that a schema takes; of others the operator is told in `words` what they should be. */
const fitting =
  <T>(schema: z.ZodType<T>, words: string) =>
  (given: string): T => {
    const { success, data } = schema.safeParse(given);
    if (!success) throw new InvalidArgumentError(words);
    return data;
  };

function rateOf(given: string): number {
  const rate = Number(given);
  if (!(rate > 0 && rate < 1)) throw new InvalidArgumentError('A rate lies between 0 and 1, 0.0001 for one in 10,000.');
  return rate;
}

function countOf(given: string): number {
  const count = Number(given);
  if (!Number.isSafeInteger(count) || count < 0) throw new InvalidArgumentError('It is a count.');
  return count;
}
