import type { DatabaseSync } from 'node:sqlite';
import type { EventUnit, Program } from './writer-protocol.js';

// Loaded by the writer's thread by its own URL, as source too: it may import nothing but types and Node's modules.

/** Streams of which the last revision is remembered: at least this many, at most twice as many. */
const rememberedMax = 50_000;
const valuesPerGuard = 2;
const valuesPerEvent = 6;

/**
 * Stores commits of events: at the revision they expect, while their guards stand, at the next places of the tenant's
 * log. This thread is the only writer, so what it stored it need not look up.
 */
export function open(db: DatabaseSync): Program<EventUnit, number> {
  const statements = {
    head: db.prepare('SELECT coalesce(max(sequence), 0) AS last FROM event WHERE tenant = ?'),
    revision: db.prepare('SELECT coalesce(max(revision), 0) AS last FROM event WHERE tenant = ? AND stream = ?'),
    insert: db.prepare('INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    stored: db.prepare(
      'SELECT id, sequence FROM event WHERE tenant = ? AND stream = ? AND revision > ? ORDER BY revision LIMIT ?',
    ),
  };
  const heads = new Recent((tenant) => statements.head.get(tenant)?.last as number);
  const revisions = new Recent((tenant, stream) => statements.revision.get(tenant, stream)?.last as number);

  /** What this very commit was answered before, if it is stored already; otherwise 0. */
  const repeated = (tenant: string, stream: string, expected: number, unit: EventUnit, first: number): number => {
    const count = (unit.length - first) / valuesPerEvent;
    const stored = statements.stored.all(tenant, stream, expected, count);
    const same = stored.length === count && stored.every(({ id }, n) => id === unit[first + n * valuesPerEvent]);
    return same ? (stored.at(-1)?.sequence as number) : 0;
  };

  return {
    run(unit) {
      const [tenant, stream, expected, guardCount] = unit as [string, string, number, number];
      const first = 4 + guardCount * valuesPerGuard;
      if (revisions.get(tenant, stream) !== expected) return repeated(tenant, stream, expected, unit, first);
      for (let at = 4, nth = 1; at < first; at += valuesPerGuard, nth++) {
        if (revisions.get(tenant, unit[at] as string) !== unit[at + 1]) return -nth;
      }
      let sequence = heads.get(tenant, '');
      let revision = expected;
      for (let at = first; at < unit.length; at += valuesPerEvent) {
        statements.insert.run(tenant, ++sequence, stream, ++revision, ...unit.slice(at, at + valuesPerEvent));
      }
      heads.set(tenant, '', sequence);
      revisions.set(tenant, stream, revision);
      return sequence;
    },
    rolledBack() {
      heads.clear();
      revisions.clear();
    },
  };
}

/** Numbers by tenant and name, looked up once; those not asked for lately are forgotten. */
class Recent {
  private young = new Map<string, number>();
  private old = new Map<string, number>();
  private readonly lookUp: (tenant: string, name: string) => number;

  constructor(lookUp: (tenant: string, name: string) => number) {
    this.lookUp = lookUp;
  }

  get(tenant: string, name: string): number {
    const key = `${tenant}/${name}`;
    const young = this.young.get(key);
    if (young !== undefined) return young;
    const known = this.old.get(key) ?? this.lookUp(tenant, name);
    this.set(tenant, name, known);
    return known;
  }

  set(tenant: string, name: string, value: number): void {
    this.young.set(`${tenant}/${name}`, value);
    if (this.young.size < rememberedMax) return;
    this.old = this.young;
    this.young = new Map();
  }

  clear(): void {
    this.young.clear();
    this.old.clear();
  }
}
