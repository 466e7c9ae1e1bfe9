import type { DynamicModule } from '@nestjs/common';
import type { Clock } from '#lib/ports';

/** Stores of their own for an application in this process. */
export interface Opened {
  readonly adapters: DynamicModule;
  /** Removes them; the application is closed by then. */
  readonly drop: () => Promise<void>;
}

/** A built program, by its file under dist, and what it prints once it does its work. */
export interface Program {
  readonly file: string;
  readonly ready: RegExp;
}

/** A family of adapters, and the processes over it, as tests need them. */
export interface Family {
  readonly name: 'embedded' | 'cluster';
  /** How Node is started for any of its programs. */
  readonly flags: readonly string[];
  /** What a server is: what answers over HTTP, and what stands beside it. */
  readonly api: Program;
  readonly beside: readonly Program[];
  /** The file of the command line, under dist. */
  readonly lethe: string;
  /** What /readyz of a process that is api and worker names, besides what every family stands on. */
  readonly dependencies: readonly string[];
  open(clock: Clock): Promise<Opened>;
  /** What processes over the data of a folder are told, besides DATA_FOLDER. The same at every start. */
  environment(folder: string): Promise<NodeJS.ProcessEnv>;
  /** The stores of a folder, which no process uses, opened here; in real time. */
  openFolder(folder: string): Promise<DynamicModule>;
  /** What a dead server left, to be looked at while another one serves the folder: under this name, or under its own. */
  keep(folder: string, copy: string): Promise<string>;
  /** Loses every view of a folder, as no backup need hold them. No process uses it. */
  loseViews(folder: string): Promise<void>;
  /** Removes a folder and whatever lies elsewhere in its name. */
  remove(folder: string): Promise<void>;
}
