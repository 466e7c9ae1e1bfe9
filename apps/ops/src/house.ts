import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Door } from './door.js';

/** What commands work on. A main says how it is opened, over which family of adapters. */
export interface House {
  /** Where the data are. */
  readonly folder: string;
  /** The API, of a running server or of an application opened for one command. */
  readonly door: () => Promise<Door>;
  /** The application itself, for what a running server must not be disturbed by. @throws when one holds the data */
  readonly inside: () => Promise<NestFastifyApplication>;
  readonly adminKey: () => string;
  readonly now: () => Date;
  readonly close: () => Promise<void>;
}
