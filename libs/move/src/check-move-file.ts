import { createHash } from 'node:crypto';
import type { StoredEvent } from '#lib/ports';
import { MoveFileReader } from './move-file-reader.js';
import { type EndOf, eventBytes, type Header } from './move-line.js';
import { MoveRefused } from './move-refused.js';
import type { TellProgress } from './side.js';

/** The order of what is in a file: a move can be gone on with only because nothing of it comes before what it needs. */
const order = ['key', 'record', 'event'] as const;

/**
 * Reads a whole file before anything of it is used: whether it is whole, in order, and what its sums say.
 * @throws MoveRefused when not
 */
export async function checkMoveFile(
  file: string,
  tell: TellProgress,
  onHeader: (header: Header) => Promise<{ compare(event: StoredEvent): Promise<void> }>,
): Promise<{ readonly header: Header; readonly end: EndOf }> {
  const reader = await MoveFileReader.open(file);
  try {
    const { header, size } = reader;
    const standing = await onHeader(header);
    const hash = createHash('sha256');
    const counts = { key: 0, record: 0, event: 0 };
    let part = 0;
    for await (const { line, bytesRead } of reader.lines()) {
      const kind = 'event' in line ? 'event' : 'key' in line ? 'key' : 'record';
      if (order.indexOf(kind) < part) throw new MoveRefused(`${file} is in no order: export again`);
      part = order.indexOf(kind);
      if (!('position' in line)) counts[kind] += 1;
      if ('event' in line) {
        const { event } = line;
        if (event.tenant !== header.tenant || event.sequence !== counts.event) {
          throw new MoveRefused(`${file} has a gap before event ${event.sequence}: export again`);
        }
        hash.update(eventBytes(event));
        await standing.compare(event);
      }
      tell({ what: 'checking the file', done: bytesRead, total: size });
    }
    const { end } = reader;
    const isAsSaid =
      end.keys === counts.key &&
      end.records === counts.record &&
      end.events === counts.event &&
      end.events === header.head &&
      end.history === hash.digest('hex');
    if (!isAsSaid) throw new MoveRefused(`${file} does not hold what its last line says: export again`);
    return { header, end };
  } finally {
    await reader.close();
  }
}
