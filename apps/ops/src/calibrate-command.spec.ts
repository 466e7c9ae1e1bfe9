import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ThresholdCardTerms } from '#lib/policy/contract';
import { chance } from '../../../test/support/chance.js';
import type { House } from './house.js';
import { runProgram } from './program.js';

/** A house that no command may enter. */
const closed = (): never => {
  throw new Error('the house was entered');
};
const house: House = {
  folder: 'nowhere',
  door: closed,
  inside: closed,
  adminKey: closed,
  now: closed,
  close: async () => undefined,
};

/** Comparisons of 80 people: five mated ones each, one non-mated with each other. */
function pairs(): string {
  const next = chance(3);
  const lines = ['score,mated,group,subject_a,subject_b'];
  const spread = () => next() + next() + next() - 1.5;
  for (let one = 0; one < 80; one++) {
    const group = ['a <b>', 'c & d'][one % 2];
    for (let shot = 0; shot < 5; shot++) lines.push(`${0.6 + 0.25 * spread()},true,${group},p${one},p${one}`);
    for (let other = 0; other < one; other++) lines.push(`${0.1 + 0.25 * spread()},false,${group},p${one},p${other}`);
  }
  return `${lines.join('\n')}\n`;
}

const model = ['--model', 'made-up', '--model-version', '1.0', '--dim', '128'];
const files = ['threshold-card.json', 'det.svg', 'det.png', 'report.md'];

describe('lethe calibrate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'calibrate-'));
  const file = join(folder, 'pairs.csv');
  const argv = process.argv;
  beforeAll(() => writeFileSync(file, pairs()));
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => {
    rmSync(folder, { recursive: true });
    process.argv = argv;
  });

  /** Runs the command line, and answers what it printed, complained of and ended with. */
  async function lethe(...words: string[]) {
    const [printed, complained]: string[][] = [[], []];
    jest.spyOn(console, 'log').mockImplementation((line) => void printed?.push(String(line)));
    jest.spyOn(console, 'error').mockImplementation((line) => void complained?.push(String(line)));
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean(complained?.push(String(text))));
    process.argv = ['node', 'lethe', 'calibrate', ...words];
    await runProgram(house, 'under test');
    const code = process.exitCode ?? 0;
    process.exitCode = 0;
    return { code, printed: printed?.join('\n') ?? '', complained: complained?.join('') ?? '' };
  }
  const bytesIn = (out: string) => files.map((name) => readFileSync(join(out, name)));

  it('writes a card that can be published, the curve and the report, and opens no data', async () => {
    const out = join(folder, 'made', 'here');
    const enrolments = ['--enrolments', '83', '--failed-enrolments', '3'];
    const words = [
      ...model,
      ...enrolments,
      '--fmr',
      '0.005',
      '--review-fmr',
      '0.05',
      '--dataset',
      'Made up.',
      '--out',
      out,
    ];
    const { code, printed } = await lethe(file, ...words);
    expect(code).toBe(0);
    expect(printed).toContain('pairs.csv: 400 mated and 3,160 non-mated comparisons of 80 subjects');
    expect(printed).toMatch(/failure to enrol 3.614 % \(3 of 83\)/);
    const [card, svg, png, report] = bytesIn(out);
    const terms = ThresholdCardTerms.parse(JSON.parse(String(card)));
    expect(terms).toMatchObject({ model: { id: 'made-up', version: '1.0', dim: 128 }, metric: 'cosine' });
    expect(terms.fmr).toBeLessThanOrEqual(0.005);
    expect(terms.dataset).toMatch(/^Made up\. pairs\.csv, SHA-256 [0-9a-f]{64}: 400 mated/);
    expect(String(svg)).toContain('a &lt;b&gt;');
    expect(png?.subarray(1, 4).toString()).toBe('PNG');
    expect([png?.readUInt32BE(16), png?.readUInt32BE(20)]).toEqual([1_800, 1_280]);
    expect(String(report)).toContain(`**${terms.accept}** accepts`);
    expect(String(report)).toContain('| a \\<b\\> |');
  });

  it('writes the same bytes for the same file', async () => {
    const [one, other] = [join(folder, 'one'), join(folder, 'other')];
    for (const out of [one, other]) await lethe(file, ...model, '--fmr', '0.01', '--out', out);
    expect(bytesIn(one)).toEqual(bytesIn(other));
  });

  it('writes nothing where the comparisons do not reach so far', async () => {
    const out = join(folder, 'too-few');
    const { code, complained } = await lethe(file, ...model, '--out', out);
    expect([code, existsSync(out)]).toEqual([1, false]);
    expect(complained).toMatch(
      /pairs\.csv: 3,160 non-mated comparisons.* show no FMR below about 0\.00\d+ \(rule of three\)/,
    );
    expect(complained).not.toContain('    at ');
  });

  it.each([
    ['no model', ['--model-version', '1.0', '--dim', '128'], "required option '--model <id>'"],
    ['a model that is no id', ['--model', 'Made Up', '--model-version', '1', '--dim', '128'], 'Lower-case letters'],
    ['no dimension of an embedding', [...model, '--dim', '5'], 'From 16 to 2048.'],
    ['no rate', [...model, '--fmr', '1'], 'A rate lies between 0 and 1'],
    ['review above accept', [...model, '--fmr', '0.1', '--review-fmr', '0.01'], '--review-fmr 1 % is below --fmr 10 %'],
    ['failures of nothing', [...model, '--failed-enrolments', '1'], 'needs --enrolments'],
    [
      'more failures than enrolments',
      [...model, '--failed-enrolments', '3', '--enrolments', '2'],
      'more enrolments failed',
    ],
  ])('with %s says what it should be', async (_, words, message) => {
    const { code, complained } = await lethe(file, ...words);
    expect(code).toBe(2);
    expect(complained).toContain(message);
  });

  it('says in a line that there is no such file', async () => {
    const { code, complained } = await lethe(join(folder, 'none.csv'), ...model);
    expect(code).toBe(1);
    expect(complained).toMatch(/^ENOENT: no such file/);
  });
});
