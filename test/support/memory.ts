import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';

const pieceBytes = 16 * 1024 * 1024;

/** Whether the memory of another process can be looked at here. */
export const hasReadableMemory = existsSync('/proc/self/mem');

/** A place in the memory of a process where a pattern stands. */
export interface Trace {
  readonly form: string;
  /** What the region is: `[heap]`, `[stack]`, a file, or `anonymous`. */
  readonly region: string;
  readonly address: number;
  /** What stands around it. */
  readonly around: Buffer;
}

/**
 * Looks through all memory of a process that it may write to, compiled code apart, while it stands still (Linux:
 * /proc/<pid>/mem).
 */
export function tracesIn(pid: number, patterns: Iterable<readonly [string, Buffer]>): Trace[] {
  const all = [...patterns];
  const overlap = Math.max(...all.map(([, { length }]) => length)) - 1;
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  process.kill(pid, 'SIGSTOP');
  try {
    return regionsOf(pid).flatMap(({ from, to, name }) => {
      const traces: Trace[] = [];
      for (let at = from; at < to; at += pieceBytes) {
        const piece = read(memory, at, Math.min(pieceBytes + overlap, to - at));
        for (const [form, pattern] of all) {
          for (let place = piece.indexOf(pattern); place >= 0; place = piece.indexOf(pattern, place + pattern.length)) {
            if (place >= pieceBytes) break;
            const around = Buffer.from(piece.subarray(Math.max(0, place - 64), place + 64));
            traces.push({ form, region: name, address: at + place, around });
          }
        }
      }
      return traces;
    });
  } finally {
    process.kill(pid, 'SIGCONT');
    closeSync(memory);
  }
}

function regionsOf(pid: number): { from: number; to: number; name: string }[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [range = '', rights = '', , , , name = 'anonymous'] = line.split(/\s+/);
    const [from = 0, to = 0] = range.split('-').map((hex) => Number.parseInt(hex, 16));
    return rights.startsWith('rw-') ? [{ from, to, name: name || 'anonymous' }] : [];
  });
}

/** What can be read of it; a page that cannot is left out. */
function read(memory: number, at: number, length: number): Buffer {
  const piece = Buffer.allocUnsafe(length);
  try {
    return piece.subarray(0, readSync(memory, piece, 0, length, at));
  } catch {
    return piece.subarray(0, 0);
  }
}
