import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { calibrate } from '#lib/calibration';
import { readComparisons } from './comparison-file.js';

const silent = { at: () => undefined, end: () => undefined };
const people = ['ada', 'bo', 'çelik', '李', '"quoted", with a comma'];

interface Row {
  readonly score: number;
  readonly mated: boolean;
  readonly group: string;
  readonly subject_a: string;
  readonly subject_b: string;
}

const Row: fc.Arbitrary<Row> = fc
  .record({
    score: fc.double({ min: -1, max: 1, noNaN: true }),
    subject_a: fc.constantFrom(...people),
    subject_b: fc.constantFrom(...people),
    group: fc.constantFrom('under 40', '65 and over', ''),
  })
  .map((row) => ({ ...row, mated: row.subject_a === row.subject_b }));
const Rows = fc
  .array(Row, { minLength: 2, maxLength: 60 })
  .filter((rows) => rows.some(({ mated }) => mated) && rows.some(({ mated }) => !mated));

const names = ['score', 'mated', 'group', 'subject_a', 'subject_b'] as const;
const quoted = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`;
const csvOf = (rows: readonly Row[]) =>
  [names.join(','), ...rows.map((row) => names.map((name) => quoted(row[name])).join(','))].join('\r\n');
const ndjsonOf = (rows: readonly Row[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const parquetOf = (rows: readonly Row[], codec: 'SNAPPY' | 'UNCOMPRESSED' = 'SNAPPY') =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: names.map((name) => ({ name, data: rows.map((row) => row[name]) })),
      codec,
      rowGroupSize: 16,
    }),
  );

describe('a file of comparisons', () => {
  const folder = mkdtempSync(join(tmpdir(), 'comparisons-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const read = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return readComparisons(join(folder, name), silent);
  };

  it('gives the same figures in all three forms', async () => {
    await fc.assert(
      fc.asyncProperty(Rows, async (rows) => {
        const files = [
          await read('a.csv', csvOf(rows)),
          await read('a.ndjson', ndjsonOf(rows)),
          await read('a.parquet', parquetOf(rows)),
          await read('b.parquet', parquetOf(rows, 'UNCOMPRESSED')),
        ];
        const figures = files.map(({ comparisons }) => calibrate(comparisons, { fmr: 0.1, reviewFmr: 0.2 }));
        expect(files.map(({ comparisons }) => comparisons.count)).toEqual(files.map(() => rows.length));
        expect(figures).toEqual(figures.map(() => figures[0]));
      }),
      { numRuns: 40 },
    );
  });

  it('may write truth in several words, name one subject of a mated comparison, and have other columns', async () => {
    const { comparisons, sha256 } = await read(
      'words.csv',
      '\uFEFFdevice,mated,score,subject_a,subject_b\nx,Genuine,1.0000001,ada,\nx,0,0.5,ada,bo\n\nx,impostor,-0.5,bo,cy\nx,1,0.9,bo,bo\n',
    );
    expect(comparisons.count).toBe(4);
    expect([...comparisons.outcomes(true).scores]).toEqual([0.9, 1]);
    expect([...comparisons.outcomes(false).scores]).toEqual([-0.5, 0.5]);
    expect(comparisons.subjectCount).toBe(3);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['no score column', 'a.csv', 'mated,value\ntrue,1', 'a.csv, line 1: no column score among mated, value'],
    ['no end of a quote', 'a.csv', 'score,mated\n0.5,"true\n', /^a\.csv, Quote Not Closed: .*line 2/],
    ['a row too short', 'a.csv', 'score,mated\n0.5,true\n0.5\n', /^a\.csv, Invalid Record Length: .*line 3/],
    [
      'a score that is none',
      'a.csv',
      'score,mated\n0.5,true\nhigh,false\n',
      'a.csv, line 3: score is "high": a cosine, from -1 to 1',
    ],
    [
      'a distance',
      'a.csv',
      'score,mated\n0.5,true\n17,false\n',
      'a.csv, line 3: score is "17": a cosine, from -1 to 1',
    ],
    ['no score', 'a.csv', 'score,mated\n,true\n', 'a.csv, line 2: score is missing: a cosine, from -1 to 1'],
    ['an unknown truth', 'a.csv', 'score,mated\n0.5,maybe\n', /^a\.csv, line 2: mated is "maybe": true, 1,/],
    [
      'half of the subjects',
      'a.csv',
      'score,mated,subject_a,subject_b\n0.5,1,ada,ada\n0.5,1,,\n',
      /^a\.csv, line 3: either every/,
    ],
    [
      'a truth its subjects deny',
      'a.csv',
      'score,mated,subject_a,subject_b\n0.5,1,ada,bo\n',
      /^a\.csv, line 2: it is mated, but of two/,
    ],
    [
      'one subject of two',
      'a.csv',
      'score,mated,subject_a,subject_b\n0.5,0,ada,\n',
      /^a\.csv, line 2: it is non-mated, but names one/,
    ],
    ['mated ones only', 'a.csv', 'score,mated\n0.5,true\n', 'a.csv, no row of it is non-mated'],
    ['nothing', 'a.csv', '', 'a.csv, no row of it is mated'],
    ['a line that is no JSON', 'a.ndjson', '{"score":0.5,"mated":true}\n{"score":0.5,', 'a.ndjson, line 2: not JSON'],
    ['a line that is no object', 'a.jsonl', '\n[0.5,true]\n', 'a.jsonl, line 2: not a JSON object'],
    [
      'a line that never ends',
      'a.ndjson',
      `\n{"score":"${'0'.repeat(200_000)}`,
      'a.ndjson, line 2: longer than 65536 characters',
    ],
    ['a record that never ends', 'a.csv', `score,mated\n"${'0'.repeat(200_000)}`, /^a\.csv, Max Record Size: .*line 2/],
    ['no Parquet in it', 'a.parquet', 'score,mated\n0.5,true\n', /^a\.parquet, cannot be read as Parquet: /],
    ['another ending', 'a.xlsx', 'PK', 'a.xlsx: its name must end in one of .csv .ndjson .jsonl .parquet'],
  ])('with %s is refused, with the place', async (_, name, content, message) => {
    await expect(read(name, content)).rejects.toThrow(expect.objectContaining({ name: 'UnfitFile' }));
    await expect(read(name, content)).rejects.toThrow(message);
  });

  it('that was damaged or cut short is refused as Parquet, or has lost no row', async () => {
    const rows = fc.sample(Rows, { numRuns: 1, seed: 1 })[0] ?? [];
    const whole = parquetOf(rows);
    const path = join(folder, 'cut.parquet');
    for (let length = 0; length < whole.length; length += 37) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      await expect(readComparisons(path, silent)).rejects.toThrow(expect.objectContaining({ name: 'UnfitFile' }));
    }
    for (let at = 4; at < whole.length; at += 11) {
      const flipped = whole.map((byte, n) => (n === at ? byte ^ 0x40 : byte));
      const outcome = await read('flipped.parquet', flipped).then(
        ({ comparisons }) => comparisons.count,
        (error: Error) => error.name,
      );
      expect([rows.length, 'UnfitFile']).toContain(outcome);
    }
  });

  it('tells how far it is read', async () => {
    const told: string[] = [];
    const path = join(folder, 'told.csv');
    writeFileSync(path, csvOf(fc.sample(Rows, { numRuns: 1, seed: 2 })[0] ?? []));
    await readComparisons(path, {
      at: (done, total, what) => told.push(`${what} ${done === total}`),
      end: () => undefined,
    });
    expect(told).toContain('hashing true');
    expect(told).toContain('reading told.csv true');
  });
});
