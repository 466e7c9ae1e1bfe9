import { stringify } from 'csv-stringify/sync';
import { columns, type LifecycleRow } from './lifecycle-row.js';

/** A report in one of its forms: what stands before, between and after its rows. The same rows make the same bytes. */
export interface Form {
  readonly contentType: string;
  readonly extension: string;
  head(position: number): string;
  rows(rows: readonly LifecycleRow[], isFirst: boolean): string;
  readonly tail: string;
}

const inOrder = (row: LifecycleRow) => JSON.stringify(row, [...columns]);

export const forms = {
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    extension: 'csv',
    head: () => `${columns.join(',')}\r\n`,
    rows: (rows) => stringify([...rows], { columns: [...columns], record_delimiter: '\r\n' }),
    tail: '',
  },
  ndjson: {
    contentType: 'application/x-ndjson; charset=utf-8',
    extension: 'ndjson',
    head: () => '',
    rows: (rows) => rows.map((row) => `${inOrder(row)}\n`).join(''),
    tail: '',
  },
  json: {
    contentType: 'application/json; charset=utf-8',
    extension: 'json',
    head: (position) => `{"position":${position},"items":[`,
    rows: (rows, isFirst) => (rows.length > 0 ? `${isFirst ? '' : ','}${rows.map(inOrder).join(',')}` : ''),
    tail: ']}\n',
  },
} as const satisfies Record<string, Form>;

export type FormName = keyof typeof forms;
