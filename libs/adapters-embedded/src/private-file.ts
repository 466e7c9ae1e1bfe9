import { statSync } from 'node:fs';
import { KeysUnavailable } from '#lib/ports';

/** Where permissions mean nothing, there is nothing to look at. */
const hasModes = process.platform !== 'win32';

/** @throws KeysUnavailable when anybody but its owner may read or write the file */
export function assertPrivate(file: string): void {
  const others = statSync(file).mode & 0o077;
  if (!hasModes || others === 0) return;
  throw new KeysUnavailable(
    `${file} is open to others than its owner: take the keys in it for known, then run chmod 600 on it`,
  );
}
