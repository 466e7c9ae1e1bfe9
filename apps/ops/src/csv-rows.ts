import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { columns, columnsNeeded, type PlacedRow, UnfitFile } from './comparison-row.js';

const recordMax = 64 * 1_024;

/** Rows of a CSV file (RFC 4180) whose first line names its columns. Tells how many bytes were read. */
export async function* csvRows(file: string, tell: (bytes: number) => void): AsyncGenerator<PlacedRow> {
  const parser = parse({ bom: true, info: true, skip_empty_lines: true, max_record_size: recordMax });
  const input = createReadStream(file);
  pipeline(input, parser, () => undefined);
  let places: readonly (readonly [(typeof columns)[number], number])[] | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (places) {
        const row: Record<string, unknown> = {};
        for (const [column, n] of places) row[column] = record[n];
        yield { place: `line ${info.lines}`, row };
      } else places = placesIn(record);
      tell(input.bytesRead);
    }
  } finally {
    input.destroy();
    parser.destroy();
  }
}

function placesIn(header: readonly string[]) {
  const names = header.map((name) => name.trim());
  const missing = columnsNeeded.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new UnfitFile(`line 1: no column ${missing.join(', ')} among ${names.join(', ').slice(0, 200)}`);
  }
  return columns.map((column) => [column, names.indexOf(column)] as const).filter(([, place]) => place >= 0);
}
