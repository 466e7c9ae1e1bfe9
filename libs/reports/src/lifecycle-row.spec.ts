import type { StoredEvent } from '#lib/ports';
import { DayTotals } from './day-totals.js';
import { columns, rowOf } from './lifecycle-row.js';
import { forms } from './lifecycle-text.js';

const ids = {
  subjectId: '6f1b0b0e-3c6a-4d52-9d0e-0b5f7f0c1a02',
  consentId: '0d5c2a9e-6b1f-4c7e-8f57-2f6f0f5f9a11',
  purposeId: 'registration',
};
let sequence = 0;
const event = (type: string, data: object, at = '2026-06-01T08:00:00.000Z') =>
  ({ sequence: ++sequence, type, version: 1, at, actor: 'key-1', data }) as unknown as StoredEvent;
const withdrawn = event('consent.withdrawn', { ...ids, channel: 'counter-3', sealedReason: 'AAAA' });
const match = (decision: string, at: string, purposeId = 'registration') =>
  event(
    'matching.decided',
    {
      ...ids,
      purposeId,
      matchId: ids.consentId,
      decision,
      reasons: [],
      model: { id: 'm', version: '1' },
      thresholdCardId: 'c',
    },
    at,
  );

describe('a row of the lifecycle report', () => {
  it('says what happened to whom, and nothing that is sealed', () => {
    expect(rowOf(withdrawn, {})).toEqual({
      ...ids,
      sequence: withdrawn.sequence,
      at: '2026-06-01T08:00:00.000Z',
      fact: 'consent.withdrawn',
      templateId: '',
      actor: 'key-1',
      detail: 'channel=counter-3',
    });
  });

  it.each([
    [{ purposeId: 'pharmacy' }, false],
    [{ purposeId: 'registration' }, true],
    [{ from: '2026-06-01T08:00:00.000Z' }, true],
    [{ from: '2026-06-01T08:00:00.001Z' }, false],
    [{ to: '2026-06-01T08:00:00.000Z' }, false],
    [{ to: '2026-06-01T08:00:00.001Z' }, true],
  ])('is selected by %j: %p', (selection, isThere) => {
    expect(rowOf(withdrawn, selection) !== undefined).toBe(isThere);
  });

  it('is made of no other facts', () => {
    expect(rowOf(event('access.key-issued', {}), {})).toBeUndefined();
    expect(rowOf(match('accept', '2026-06-01T08:00:00.000Z'), {})).toBeUndefined();
  });
});

describe('comparisons and searches', () => {
  const search = (candidates: number, at: string) =>
    event(
      'identification.decided',
      {
        identificationId: ids.consentId,
        purposeId: ids.purposeId,
        model: { id: 'm', version: '1' },
        thresholdCardId: 'c',
        gallery: { templates: 9, fpir: 0, fpirMax: 0.001 },
        candidates: Array.from({ length: candidates }, () => ({
          subjectId: ids.subjectId,
          band: 'strong',
          matchId: ids.consentId,
          consentId: ids.consentId,
        })),
        reasons: [],
      },
      at,
    );

  it('are counted by day and purpose', () => {
    const totals = new DayTotals();
    for (const each of [
      match('accept', '2026-06-02T23:59:59.999Z'),
      match('reject', '2026-06-02T00:00:00.000Z'),
      match('accept', '2026-06-01T12:00:00.000Z', 'pharmacy'),
      search(0, '2026-06-02T02:00:00.000Z'),
      search(2, '2026-06-02T02:00:01.000Z'),
      match('accept', '2026-06-02T01:00:00.000Z'),
    ]) {
      totals.add(each, {});
    }
    expect(totals.rows()).toMatchObject([
      { at: '2026-06-01', purposeId: 'pharmacy', detail: 'accept=1 reject=0 inconclusive=0 unavailable=0' },
      {
        at: '2026-06-02',
        fact: 'matches',
        purposeId: 'registration',
        detail: 'accept=2 reject=1 inconclusive=0 unavailable=0',
        sequence,
      },
      { at: '2026-06-02', fact: 'searches', subjectId: '', detail: 'searches=2 named=1 candidates=2' },
    ]);
  });

  it('are those that were selected', () => {
    const totals = new DayTotals();
    totals.add(search(1, '2026-06-02T02:00:00.000Z'), { purposeId: 'pharmacy' });
    totals.add(search(1, '2026-06-02T02:00:00.000Z'), { to: '2026-06-02T02:00:00.000Z' });
    expect(totals.rows()).toEqual([]);
  });
});

describe('the forms of a report', () => {
  const row = rowOf(withdrawn, {});
  const rows = row ? [row, { ...row, detail: 'with "quotes", commas\nand lines' }] : [];
  const whole = (name: keyof typeof forms) => {
    const form = forms[name];
    return form.head(7) + form.rows(rows.slice(0, 1), true) + form.rows(rows.slice(1), false) + form.tail;
  };

  it('hold the same rows', () => {
    expect(JSON.parse(whole('json'))).toEqual({ position: 7, items: rows });
    expect(
      whole('ndjson')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(rows);
    expect(whole('csv').split('\r\n')).toEqual([
      columns.join(','),
      Object.values(Object.fromEntries(columns.map((column) => [column, rows[0]?.[column]]))).join(','),
      expect.stringContaining('"with ""quotes"", commas\nand lines"'),
      '',
    ]);
  });

  it('are whole without any row', () => {
    expect(JSON.parse(forms.json.head(0) + forms.json.rows([], true) + forms.json.tail)).toEqual({
      position: 0,
      items: [],
    });
    expect(forms.csv.head() + forms.csv.rows([]) + forms.csv.tail).toBe(`${columns.join(',')}\r\n`);
  });
});
