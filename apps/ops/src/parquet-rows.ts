import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { columns, columnsNeeded, type PlacedRow, UnfitFile } from './comparison-row.js';

const groupRowsMax = 4_194_304;
const groupBytesMax = 1_073_741_824;

/** Rows of a Parquet file. It is read one row group after another, so that memory holds one of them. */
export async function* parquetRows(
  file: string,
  tell: (rows: number, total: number) => void,
): AsyncGenerator<PlacedRow> {
  const buffer = await asyncBufferFromFile(file);
  const metadata = await readable(() => parquetMetadataAsync(buffer));
  const present = columnsIn(metadata);
  const total = Number(metadata.num_rows);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    if (rows > groupRowsMax || Number(group.total_byte_size) > groupBytesMax) {
      throw new UnfitFile(
        `a row group has more than ${groupRowsMax} rows or ${groupBytesMax} bytes: write smaller ones`,
      );
    }
    const table: Partial<Record<string, ArrayLike<unknown>>> = {};
    for (const column of present) {
      table[column] = await readable(() => columnIn(buffer, metadata, column, rowStart, rows));
    }
    for (let n = 0; n < rows; n++) {
      const row: Record<string, unknown> = {};
      for (const column of present) row[column] = table[column]?.[n];
      yield { place: `row ${rowStart + n + 1}`, row };
    }
    rowStart += rows;
    tell(rowStart, total);
  }
}

type Buffered = Awaited<ReturnType<typeof asyncBufferFromFile>>;

/** The values of one column in the `rows` from `rowStart`. */
async function columnIn(file: Buffered, metadata: FileMetaData, column: string, rowStart: number, rows: number) {
  const values: unknown[] = new Array(rows).fill(undefined);
  await parquetRead({
    file,
    metadata,
    compressors,
    columns: [column],
    rowStart,
    rowEnd: rowStart + rows,
    onChunk: ({ columnData, rowStart: from }) => {
      for (let n = 0; n < columnData.length; n++) values[from - rowStart + n] = columnData[n];
    },
  });
  return values;
}

function columnsIn({ schema }: FileMetaData): readonly (typeof columns)[number][] {
  const names = schema.slice(1).map(({ name }) => name);
  const missing = columnsNeeded.filter((column) => !names.includes(column));
  if (missing.length > 0)
    throw new UnfitFile(`no column ${missing.join(', ')} among ${names.join(', ').slice(0, 200)}`);
  return columns.filter((column) => names.includes(column));
}

/** What the reader of Parquet throws says that the file is damaged: its own word for it is passed on. */
async function readable<T>(read: () => Promise<T> | T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new UnfitFile(`cannot be read as Parquet: ${error instanceof Error ? error.message : String(error)}`);
  }
}
