import type { Commit } from '#lib/ports';
import { type EventRow, rowsOf } from './commit-document.js';

/** A commit that somebody waits for, answered once: with its place, with a conflict, or with a fault. */
export class PendingCommit {
  readonly rows: readonly EventRow[];
  readonly bytes: number;
  private settle: ((answer: number | Error) => void) | undefined;

  /** @throws Error when it could never be stored */
  constructor(
    readonly commit: Commit,
    /** Of the store's watch when it came. */
    readonly turn: number,
    settle: (answer: number | Error) => void,
  ) {
    ({ rows: this.rows, bytes: this.bytes } = rowsOf(commit));
    this.settle = settle;
  }

  get isOpen(): boolean {
    return this.settle !== undefined;
  }

  /** The first answer counts. */
  answer(answer: number | Error): void {
    this.settle?.(answer);
    this.settle = undefined;
  }
}
