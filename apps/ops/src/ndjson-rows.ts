import { createReadStream } from 'node:fs';
import { type ComparisonRow, type PlacedRow, UnfitFile } from './comparison-row.js';

const lineMax = 64 * 1_024;

/** Rows of a file that has one JSON object in each line. Tells how many bytes were read. */
export async function* ndjsonRows(file: string, tell: (bytes: number) => void): AsyncGenerator<PlacedRow> {
  let line = 0;
  for await (const text of linesIn(file, tell)) {
    line += 1;
    if (text.trim() === '') continue;
    const place = `line ${line}`;
    yield { place, row: objectIn(text, place) };
  }
}

/** Lines without their ends. One that does not end is refused before it fills the memory. */
async function* linesIn(file: string, tell: (bytes: number) => void): AsyncGenerator<string> {
  const input = createReadStream(file, { encoding: 'utf8' });
  let [rest, whole] = ['', 0];
  for await (const chunk of input) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    whole += lines.length;
    if (rest.length > lineMax) throw new UnfitFile(`line ${whole + 1}: longer than ${lineMax} characters`);
    tell(input.bytesRead);
  }
  if (rest !== '') yield rest;
}

function objectIn(text: string, place: string): ComparisonRow {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new UnfitFile(`${place}: not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnfitFile(`${place}: not a JSON object`);
  }
  return value;
}
