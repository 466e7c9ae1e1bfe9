import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { LogPage } from '#lib/ports';
import type { Door } from './door.js';

/** What a command needs the application for, besides reading. */
export interface Work {
  /** It waits for what the followers of the log do: where other processes may do it, it takes part. */
  readonly follows?: boolean;
}

/** A job that was given up after its last attempt: what is due is done by the sweep all the same. */
export interface DeadJob {
  readonly kind: string;
  readonly tenant: string;
  readonly subject: string;
  readonly attempts: number;
  readonly since: Date;
  readonly error: string;
}

/** What one family has and another has not. */
export interface Upkeep {
  /** How many other processes keep the views at present. */
  readonly followers: () => Promise<number>;
  /** The log as it was published. */
  readonly published: () => AsyncIterable<LogPage>;
  readonly deadJobs: (limit: number) => Promise<{ readonly count: number; readonly letters: readonly DeadJob[] }>;
}

/** What commands work on. A main says how it is opened, over which family of adapters. */
export interface House {
  /** Where the data are. */
  readonly folder: string;
  /** The API, of a running server or of an application opened for one command. */
  readonly door: () => Promise<Door>;
  /** The application itself, for what a running server must not be disturbed by. @throws when one holds the data */
  readonly inside: (work?: Work) => Promise<NestFastifyApplication>;
  /** Where several processes share the data. */
  readonly upkeep?: () => Promise<Upkeep>;
  readonly adminKey: () => string;
  readonly now: () => Date;
  readonly close: () => Promise<void>;
}
