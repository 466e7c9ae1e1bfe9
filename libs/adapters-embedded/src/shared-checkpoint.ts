import { setTimeout as rest, setImmediate as turn } from 'node:timers/promises';

/** Between the end of one and the beginning of the next: appends have their turn, and more can share the next. */
const restMs = 10;

/** What can empty its write-ahead log. */
interface Checkpointed {
  checkpoint(): Promise<void>;
}

/**
 * Empties a write-ahead log for all who ask: what they deleted before is then in no live file.
 *
 * A checkpoint keeps every append waiting and takes several fsyncs. So there is one at a time, all who ask meanwhile share
 * the next, and the log rests between two. A mass of deletions costs a few checkpoints, not one each; a lone one waits for
 * nothing.
 */
export class SharedCheckpoint {
  private next: Promise<void> | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly file: Checkpointed) {}

  /** @throws StoreUnavailable when it could not be done: what was deleted is gone from the database, and may be in its log */
  done(): Promise<void> {
    this.next ??= this.share();
    return this.next;
  }

  /** Resolves when nobody waits for one to begin. */
  async idle(): Promise<void> {
    while (this.next) await this.next.catch(() => undefined);
  }

  private async share(): Promise<void> {
    await this.last;
    await turn();
    // Whoever asks from now on may have deleted something that this one passes by.
    this.next = undefined;
    const checkpoint = this.file.checkpoint();
    const resting = () => rest(restMs);
    this.last = checkpoint.then(resting, resting);
    await checkpoint;
  }
}
