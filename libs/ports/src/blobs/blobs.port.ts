/** Files by name, such as exports: large, written once, read as streams. Holds nothing that is not also in the log. */
export abstract class Blobs {
  /**
   * Stores a blob whole or not at all, durable once it resolved; replaces one of the same name.
   * `name` is 1 to 8 parts of `[a-z0-9][a-z0-9._-]{0,99}` joined by `/`. Answers its size.
   */
  abstract put(name: string, content: AsyncIterable<Uint8Array>): Promise<{ readonly bytes: number }>;

  /** Its content; undefined where there is none. */
  abstract get(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;

  /** Names that begin with `prefix`, ascending, at most `limit` of them after `after`. */
  abstract list(prefix: string, after: string, limit: number): Promise<readonly string[]>;

  /** Removing what is not there is no error. */
  abstract remove(name: string): Promise<void>;
}
