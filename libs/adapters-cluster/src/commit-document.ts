import { type Connection, type Model, Schema } from 'mongoose';
import type { TenantId } from '#lib/core';
import type { Commit, StoredEvent } from '#lib/ports';

/** Events of one commit, at most. Searches rely on it: a commit that begins further back than this cannot reach here. */
export const eventsMax = 1_000;

/** Bytes of one commit, at most: a document may have 16 MiB. */
export const bytesMax = 12 * 1024 * 1024;

/** More than what a document and an event have besides their texts. */
const bytesAround = 512;

/** An event as it is stored. `data` is JSON text, so that it is kept to the byte, whatever a database makes of numbers. */
export interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly data: string;
  readonly at: string;
  readonly actor: string;
}

/** Where a commit stands: in its stream after `base` up to `last`, in its tenant's log from `first` to `end`. */
export interface CommitPlace {
  readonly stream: string;
  readonly base: number;
  readonly last: number;
  readonly first: number;
  readonly end: number;
}

/** A commit as it is stored: one document, so it is there whole or not at all. */
export interface CommitDocument extends CommitPlace {
  readonly tenant: TenantId;
  readonly events: readonly EventRow[];
}

const text = { type: String, required: true } as const;
const count = { type: Number, required: true } as const;

const event = new Schema<EventRow>(
  { id: text, type: { type: String, required: true }, version: count, data: text, at: text, actor: text },
  { _id: false },
);

const schema = new Schema<CommitDocument>(
  { tenant: text, stream: text, base: count, last: count, first: count, end: count, events: [event] },
  { collection: 'commits', versionKey: false, strict: 'throw', autoCreate: false, autoIndex: false },
);
// By their names the errors of duplicates are told apart.
schema.index({ tenant: 1, first: 1 }, { name: 'log', unique: true });
schema.index({ tenant: 1, stream: 1, base: 1 }, { name: 'stream', unique: true });
schema.index({ first: 1, tenant: 1 }, { name: 'tenants', partialFilterExpression: { first: 1 } });

/** The collection of commits and its indexes; the document's types and indexes are stated here and nowhere else. */
export const commitModel = (connection: Connection): Model<CommitDocument> =>
  connection.models.Commit ?? connection.model<CommitDocument>('Commit', schema);

/**
 * The events of a commit as they are stored, and about how many bytes its document takes.
 * @throws Error when it cannot be stored, now or later: no event or too many, no JSON, too large
 */
export function rowsOf({ stream, events }: Commit): { rows: readonly EventRow[]; bytes: number } {
  if (events.length === 0) throw new Error(`a commit to ${stream} without an event`);
  if (events.length > eventsMax) throw new Error(`a commit to ${stream} of more than ${eventsMax} events`);
  let bytes = bytesAround;
  const rows = events.map(({ id, type, version, data, at, actor }): EventRow => {
    const json: string | undefined = JSON.stringify(data);
    if (json === undefined) throw new Error(`an event of ${stream} without data`);
    if (!Number.isSafeInteger(version)) throw new Error(`an event of ${stream} whose version is no whole number`);
    bytes += Buffer.byteLength(json) + bytesAround;
    return { id, type, version, data: json, at, actor };
  });
  if (bytes > bytesMax) throw new Error(`a commit to ${stream} of more than ${bytesMax} bytes`);
  return { rows, bytes };
}

/** Where a commit stands when its first event gets the sequence `first`. */
export const placeAt = ({ stream, expected, events }: Commit, first: number): CommitPlace => ({
  stream,
  base: expected,
  last: expected + events.length,
  first,
  end: first + events.length - 1,
});

export const eventsOf = ({ tenant, stream, base, first, events }: CommitDocument): StoredEvent[] =>
  events.map(({ id, type, version, data, at, actor }, n) => ({
    id,
    type,
    version,
    data: JSON.parse(data),
    at,
    actor,
    tenant,
    stream,
    revision: base + 1 + n,
    sequence: first + n,
  }));
