import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';

// Types that SqliteWriter and its thread share. Nothing that runs: the thread could not import it.

/** What a writer's thread needs to know; goes over to it as it is. */
export interface WriterSetup {
  /** A database file that `openSqliteFile` has opened before. */
  readonly file: string;
  /** Run on the writer's connection before anything else: `PRAGMA secure_delete = ON` and the like. */
  readonly pragmas?: string;
  /** For specs and benches only: a disk whose every commit takes this long. */
  readonly commitDelayMs?: number;
}

/** What a program module exports as `open`: how units of one kind are carried out, inside the writer's transaction. */
export interface Program<Unit, Answer> {
  /** Throws where the unit as a whole must not be stored. */
  run(unit: Unit): Answer;
  /** The transaction was rolled back: whatever was remembered of it is wrong. */
  rolledBack(): void;
}

/** What the thread answers instead of a program's answer. `errcode` is SQLite's, where it was SQLite that failed. */
export interface WriterFailure {
  readonly failed: string;
  readonly errcode: number | undefined;
}

export interface Statement {
  readonly sql: string;
  /** For the question marks, in order. */
  readonly params: readonly SQLInputValue[];
}

export type StatementRow = Readonly<Record<string, SQLOutputValue>>;

/** A unit of plain SQL; its answer is the rows of the last statement. */
export interface Statements {
  /** 1 to 1,000; run in order, all or none of them stored. */
  readonly statements: readonly Statement[];
}

/**
 * A commit of events, flat because it crosses between threads faster so: tenant, stream, expected revision, number of
 * guards, then two values for each guard (stream, revision), then six for each event (id, type, version, data as JSON,
 * at, actor). The answer is a number: the sequence of the last event; 0 when the stream has moved; -1, -2 ... when the
 * first, second ... guarded stream has.
 */
export type EventUnit = readonly (string | number)[];

/** A record on its way into a `RecordFile`. `content` is what is overwritten when it goes. */
export interface NewRecord {
  readonly id: string;
  readonly key: string;
  readonly sequence: number;
  readonly content: Uint8Array;
}

/** What is done to the records of one tenant and collection, all of it or nothing; the answer is a number. */
export interface RecordUnit {
  readonly tenant: string;
  readonly collection: string;
  /** Where the position is above this, nothing is done and the answer is -1. Otherwise it is how many were put. */
  readonly notAbove?: number;
  readonly clear?: boolean;
  /** Ids. */
  readonly removes?: readonly string[];
  readonly puts?: readonly NewRecord[];
  /** What a put may stand in the place of: anything (the default), nothing, or nothing but a lower sequence. */
  readonly over?: 'any' | 'nothing' | 'older';
  readonly position?: number;
  /** Whether the position is only ever raised. */
  readonly raises?: boolean;
}
