/** What can empty its write-ahead log. */
interface Checkpointed {
  checkpoint(): Promise<void>;
}

/**
 * Empties a write-ahead log for all who ask within one turn of the event loop: what they deleted before is then in no
 * live file. A mass of deletions costs a few checkpoints, not one each.
 */
export class SharedCheckpoint {
  private next: Promise<void> | undefined;

  constructor(private readonly file: Checkpointed) {}

  /** @throws StoreUnavailable when it could not be done: what was deleted is gone from the database, and may be in its log */
  done(): Promise<void> {
    this.next ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.next = undefined;
        this.file.checkpoint().then(resolve, reject);
      });
    });
    return this.next;
  }
}
