import { z } from 'zod';

/** What a system call that failed says of itself. */
interface SystemError extends Error {
  readonly code?: string;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;
}

/**
 * What an operator is told when a server cannot start: a sentence on what is wrong with the place, and what to do. A trace
 * would not help them; where the fault is ours, it is all there is.
 */
export function complaintOf(error: unknown): unknown {
  if (error instanceof z.ZodError) return error.issues.map(settingOf).join('\n');
  const { name, code, syscall, address, port, message } = error as SystemError;
  if (code === 'EADDRINUSE') {
    return `${address}:${port} is in use by another program: stop that one, or set PORT to another port`;
  }
  if (syscall === 'listen' || syscall === 'getaddrinfo') {
    return `HOST and PORT cannot be listened on (${message}): set them to an address of this machine and a free port`;
  }
  return name !== 'Error' || code ? message : error;
}

function settingOf({ path, code, message }: z.core.$ZodIssue): string {
  const name = path.map(String).join('.');
  // It had no default: this process cannot do without it.
  const isMissing = code === 'invalid_type' && /received undefined$/.test(message);
  if (isMissing) return `${name} is not set: set it, as docs/configuration.md says`;
  return `${name} cannot be used (${message}): correct this setting, or leave it out`;
}
