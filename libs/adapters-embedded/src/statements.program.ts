import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Program, StatementRow, Statements } from './writer-protocol.js';

// Loaded by the writer's thread by its own URL, as source too: it may import nothing but types and Node's modules.

const preparedMax = 200;

/** Runs statements as they are; the answer of a unit is what its last statement returned. */
export function open(db: DatabaseSync): Program<Statements, readonly StatementRow[]> {
  const prepared = new Map<string, StatementSync>();
  const prepare = (sql: string) => {
    const known = prepared.get(sql);
    if (known) return known;
    if (prepared.size === preparedMax) prepared.clear();
    const statement = db.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
  return {
    run({ statements }) {
      let rows: readonly StatementRow[] = [];
      for (const { sql, params } of statements) rows = prepare(sql).all(...params);
      return rows;
    },
    rolledBack() {},
  };
}
