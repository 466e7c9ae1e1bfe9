import { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Program, WriterFailure, WriterSetup } from './writer-protocol.js';

// The thread of SqliteWriter. Node runs it as it is, as source too: it may import nothing but types and Node's modules.

/** Units to a transaction, at most: bounds how long the first of them waits for the last. */
const groupMax = 500;

/** SQLite's codes after which a connection is not to be trusted: I/O, damage, no memory. It is opened again. */
const broken = new Set([7, 10, 11, 14, 26]);

const { file, pragmas = '', commitDelayMs = 0, program } = workerData as WriterSetup & { readonly program: string };
const { open } = (await import(program)) as { open: (db: DatabaseSync) => Program<unknown, unknown> };
const port = parentPort as NonNullable<typeof parentPort>;

type Connection = ReturnType<typeof connect>;
let connection: Connection | undefined;
let queue: unknown[] = [];

/** FULL: a commit returns once it is on the disk. */
function connect() {
  const db = new DatabaseSync(file, { timeout: 5_000 });
  try {
    db.exec(`PRAGMA synchronous = FULL; ${pragmas}`);
    const [begin, commit] = [db.prepare('BEGIN IMMEDIATE'), db.prepare('COMMIT')];
    return { db, begin, commit, program: open(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

function disconnect(): void {
  connection?.db.close();
  connection = undefined;
}

const errcodeOf = (error: unknown) => (error as { errcode?: number }).errcode;
const failure = (error: unknown): WriterFailure => ({
  failed: error instanceof Error ? error.message : 'unknown',
  errcode: errcodeOf(error),
});

function sleep(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Stores a group in one transaction. If that fails, its halves apart, until only those fail that must. */
function store(group: readonly unknown[]): unknown[] {
  try {
    connection ??= connect();
    const { begin, commit, program } = connection;
    begin.run();
    const answers = group.map((unit) => program.run(unit));
    sleep(commitDelayMs);
    commit.run();
    return answers;
  } catch (error) {
    rollBack();
    if (broken.has((errcodeOf(error) ?? 0) & 0xff)) {
      disconnect();
      return group.map(() => failure(error));
    }
    if (group.length === 1) return [failure(error)];
    const half = group.length >> 1;
    return [...store(group.slice(0, half)), ...store(group.slice(half))];
  }
}

function rollBack(): void {
  connection?.program.rolledBack();
  try {
    if (connection?.db.isTransaction) connection.db.exec('ROLLBACK');
  } catch {
    // A connection that cannot even do this is given up, and its transaction with it.
    disconnect();
  }
}

function checkpoint(): unknown {
  try {
    connection ??= connect();
    const result = connection.db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
    // SQLITE_BUSY, as a failed statement would say it.
    return result?.busy === 0 ? undefined : { failed: 'readers were in the way of a checkpoint', errcode: 5 };
  } catch (error) {
    return failure(error);
  }
}

const isControl = (unit: unknown) => unit === 'checkpoint' || unit === 'close';

/** The next units that go together: up to a control word, which goes alone. */
function nextGroup(): unknown[] {
  const next = queue.slice(0, groupMax);
  const control = next.findIndex(isControl);
  const group = control < 0 ? next : next.slice(0, Math.max(control, 1));
  queue = queue.slice(group.length);
  return group;
}

function answersTo(group: readonly unknown[]): unknown[] {
  if (!isControl(group[0])) return store(group);
  const answers = [checkpoint()];
  if (group[0] === 'close') {
    disconnect();
    port.close();
  }
  return answers;
}

/** What came in while the last group was being stored is the next one. */
function receive(): void {
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port))
    queue = queue.concat(next.message);
}

port.on('message', (batch: unknown[]) => {
  queue = queue.concat(batch);
  receive();
  while (queue.length > 0) {
    port.postMessage(answersTo(nextGroup()));
    receive();
  }
});
