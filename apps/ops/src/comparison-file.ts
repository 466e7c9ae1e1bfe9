import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { Comparisons, UnfitComparison } from '#lib/calibration';
import { comparisonOf, type PlacedRow, UnfitFile } from './comparison-row.js';
import { csvRows } from './csv-rows.js';
import { ndjsonRows } from './ndjson-rows.js';
import { parquetRows } from './parquet-rows.js';
import type { Progress } from './progress.js';

const bytesMax = 4 * 1_024 ** 3;

/** What a file of comparisons holds, and what it is known by. */
export interface ComparisonFile {
  /** Without its folder. */
  readonly name: string;
  readonly sha256: string;
  readonly comparisons: Comparisons;
}

type Rows = (file: string, tell: (done: number, total?: number) => void) => AsyncIterable<PlacedRow>;

/** Each way to read is of one form of file, known by how its name ends. */
const forms: Readonly<Record<string, Rows>> = {
  '.csv': csvRows,
  '.ndjson': ndjsonRows,
  '.jsonl': ndjsonRows,
  '.parquet': parquetRows,
};

/** Reads a file of comparisons from beginning to end. @throws UnfitFile which says the file, the place and what is wrong */
export async function readComparisons(file: string, progress: Progress): Promise<ComparisonFile> {
  const name = basename(file);
  const read = forms[extname(file).toLowerCase()];
  if (!read) throw new UnfitFile(`${name}: its name must end in one of ${Object.keys(forms).join(' ')}`);
  const { size } = statSync(file);
  if (size > bytesMax) throw new UnfitFile(`${name}: larger than ${bytesMax} bytes`);
  const sha256 = await digestOf(file, size, progress);
  const rows = read(file, (done, total = size) => progress.at(done, total, `reading ${name}`));
  const comparisons = await collected(rows).catch((error: unknown) => {
    throw isOurs(error) ? new UnfitFile(`${name}, ${error.message}`) : error;
  });
  return { name, sha256, comparisons };
}

async function collected(rows: AsyncIterable<PlacedRow>): Promise<Comparisons> {
  const comparisons = new Comparisons();
  const seen = { mated: false, nonMated: false };
  for await (const { place, row } of rows) {
    try {
      const comparison = comparisonOf(row);
      comparisons.add(comparison);
      seen[comparison.isMated ? 'mated' : 'nonMated'] = true;
    } catch (error) {
      throw error instanceof UnfitComparison ? new UnfitFile(`${place}: ${error.message}`) : error;
    }
  }
  if (!seen.mated) throw new UnfitFile('no row of it is mated');
  if (!seen.nonMated) throw new UnfitFile('no row of it is non-mated');
  return comparisons;
}

/** Faults of what it says; those of the disk say themselves what they are. */
const isOurs = (error: unknown): error is Error =>
  error instanceof UnfitFile || (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'));

async function digestOf(file: string, size: number, progress: Progress): Promise<string> {
  const hash = createHash('sha256');
  const input = createReadStream(file, { highWaterMark: 1_048_576 });
  for await (const chunk of input) {
    hash.update(chunk);
    progress.at(input.bytesRead, size, 'hashing');
  }
  return hash.digest('hex');
}
