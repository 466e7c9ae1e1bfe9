import type { Connection, mongo } from 'mongoose';
import { type Clock, StoreUnavailable } from '#lib/ports';

const firstPauseMs = 10;
const pauseMaxMs = 200;
const overdue = Symbol('overdue');

/** An unsorted part of a `bulkWrite`, or a single write, met a document that its unique index does not allow. */
export const isDuplicate = (error: unknown): boolean => (error as { code?: unknown } | undefined)?.code === 11_000;

/** An upsert, again where it was refused: of two at once for the same document only one makes it. */
export const twice =
  <T>(upsert: () => Promise<T>) =>
  (): Promise<T> =>
    upsert().catch((error: unknown) => {
      if (isDuplicate(error)) return upsert();
      throw error;
    });

/**
 * Which writes of an unordered `bulkWrite` met a duplicate, by their places. The others are done.
 * @throws Error when one failed otherwise, or their outcome is unknown: to be repeated
 */
export async function duplicatesIn(written: Promise<unknown>): Promise<ReadonlySet<number>> {
  try {
    await written;
    return new Set();
  } catch (error) {
    const { writeErrors, result } = error as Partial<mongo.MongoBulkWriteError>;
    const errors = [writeErrors ?? []].flat();
    const other = errors.find((each) => !isDuplicate(each));
    if (other) throw new Error(other.errmsg);
    if (errors.length === 0 || result?.getWriteConcernError()) throw error;
    return new Set(errors.map(({ index }) => index));
  }
}

/** A long list in parts of at most `countMax`. */
export function* partsOf<T>(list: readonly T[], countMax: number): Generator<readonly T[]> {
  for (let from = 0; from < list.length; from += countMax) yield list.slice(from, from + countMax);
}

/** What a call was given wrongly, or a document that is too large: repeating it helps nobody. */
const mistakes = new Set([
  'RangeError',
  'TypeError',
  'BSONError',
  'BSONRuntimeError',
  'BSONVersionError',
  'MongoAPIError',
  'MongoInvalidArgumentError',
]);

const isFinal = (error: unknown) => isDuplicate(error) || mistakes.has((error as Error | undefined)?.name ?? '');

/**
 * Calls to a MongoDB that end in time: as long as the connection's timeouts say, whatever becomes of the connection, and
 * repeated meanwhile. So a call must be one that may be done twice, also long after it was given up.
 */
export class MongoCalls {
  readonly database: mongo.Db;
  private readonly timeoutMs: number;

  constructor(
    private readonly connection: Connection,
    private readonly ticks: Clock,
  ) {
    if (!connection.db) throw new Error('the connection is not open');
    this.database = connection.db;
    this.timeoutMs = connection.getClient().options.serverSelectionTimeoutMS;
  }

  /** Repeats `call` until it answers, or is refused. @throws StoreUnavailable: whether it was done is unknown */
  async done<T>(call: () => Promise<T>): Promise<T> {
    const over = new AbortController();
    try {
      const late = this.ticks.sleep(this.timeoutMs, over.signal).then(() => overdue);
      const outcome = await Promise.race([this.repeated(call, over.signal), late]);
      if (outcome !== overdue) return outcome as T;
      throw new StoreUnavailable(`MongoDB has not answered in ${this.timeoutMs} ms`);
    } finally {
      over.abort();
    }
  }

  /** As `done`, of calls in one session, so that each sees what the ones before it did, also right after a fail-over. */
  async inSession<T>(calls: (session: mongo.ClientSession) => Promise<T>): Promise<T> {
    const session = await this.connection.startSession({ causalConsistency: true });
    try {
      return await calls(session);
    } finally {
      void session.endSession().catch(() => undefined);
    }
  }

  private async repeated<T>(call: () => Promise<T>, over: AbortSignal): Promise<T> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, pauseMaxMs)) {
      try {
        return await call();
      } catch (error) {
        if (isFinal(error)) throw error;
        await this.ticks.sleep(pauseMs, over);
        if (over.aborted) throw new StoreUnavailable('MongoDB fails', { cause: error });
      }
    }
  }
}
