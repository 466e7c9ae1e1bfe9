import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of scripts. Where this runs compiled, it lies one folder further out. */
export const infra =
  ['../../infra', '../../../infra'].map((up) => join(import.meta.dirname, up)).find((folder) => existsSync(folder)) ??
  '';

/** Makes the key above all keys in the KMS that the environment names, unless it is there. */
export const { makeRootKey } = (await import(join(infra, 'root-key.mjs'))) as {
  makeRootKey: (environment: NodeJS.ProcessEnv) => Promise<boolean>;
};
