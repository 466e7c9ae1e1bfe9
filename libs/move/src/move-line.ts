import canonicalize from 'canonicalize';
import { z } from 'zod';
import { Base64, Sha256, TenantId } from '#lib/core';
import type { StoredDocument, StoredEvent } from '#lib/ports';

/** The longest line: an event or a sealed template, with room to spare. */
export const lineBytesMax = 8 << 20;

const Count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const Id = z.string().min(1).max(500);
const Bytes = z
  .string()
  .max(lineBytesMax)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/);
const Place = z.enum(['vault', 'documents']);

/** The first line. */
export const Header = z.strictObject({
  lethe: z.literal('move'),
  version: z.literal(1),
  tenant: TenantId,
  /** The sequence of the last event in it. */
  head: Count.min(1),
  hash: z.literal('SHA-256'),
  /** The tenant's secret and signing key, sealed to the key service it moves to. */
  handOver: Base64,
});
export type Header = z.output<typeof Header>;

/** A data key that lives, sealed by the same hand-over. */
const KeyLine = z.strictObject({ key: z.strictObject({ keyId: z.string().min(1).max(100), sealed: Base64 }) });

/** A document of the vault or beside the log, as it is. */
const RecordLine = z.strictObject({
  record: z.strictObject({
    place: Place,
    collection: Id,
    id: Id,
    key: z.string().max(200),
    sequence: Count,
    body: z.unknown(),
    bytes: Bytes.optional(),
  }),
});

const PositionLine = z.strictObject({
  position: z.strictObject({ place: Place, collection: Id, position: Count.min(1) }),
});

/** A fact, as it stands in the log. */
const EventLine = z.strictObject({
  event: z.strictObject({
    id: Id,
    tenant: TenantId,
    stream: Id,
    revision: Count.min(1),
    sequence: Count.min(1),
    type: Id,
    version: Count.min(1),
    data: z.unknown(),
    at: z.string().max(30),
    actor: Id,
  }),
});

/** What is in the file, and what it must come to on either side. */
export const Sums = z.strictObject({
  keys: Count,
  records: Count,
  events: Count,
  /** Over the canonical bytes (RFC 8785) of all events, a line each. */
  history: Sha256,
  /** Over those of the records that must arrive to the last byte. */
  vault: Sha256,
  /** Over the lines before the last one, as they are written. */
  lines: Sha256,
});
export type Sums = z.output<typeof Sums>;

/** The last line. The tag over the sums can be made by nobody but the two key services. */
const EndLine = z.strictObject({ end: Sums.extend({ tag: z.string().regex(/^[0-9a-f]{64}$/) }) });

/** Every line but the first. */
export const Line = z.union([EventLine, KeyLine, RecordLine, PositionLine, EndLine]);
export type Line = z.output<typeof Line>;
export type EndOf = z.output<typeof EndLine>['end'];
export type CarriedKey = z.output<typeof KeyLine>['key'];
export type CarriedRecord = z.output<typeof RecordLine>['record'];
export type CarriedPosition = z.output<typeof PositionLine>['position'];

/** One spelling of each value (RFC 8785), and the end of the line. */
export function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('not a JSON value');
  return `${text}\n`;
}

/** What of an event is its bytes: all of it, in no order but the canonical one. */
export const eventBytes = (event: StoredEvent): string => {
  const { id, tenant, stream, revision, sequence, type, version, data, at, actor } = event;
  return canonical({ id, tenant, stream, revision, sequence, type, version, data, at, actor });
};

export const recordOf = (
  { place, collection }: Pick<CarriedRecord, 'place' | 'collection'>,
  { id, key, sequence, body, bytes }: StoredDocument,
): CarriedRecord => ({
  place,
  collection,
  id,
  key,
  sequence,
  body,
  ...(bytes && { bytes: Buffer.from(bytes).toString('base64') }),
});

export const documentOf = ({ id, key, sequence, body, bytes }: CarriedRecord): StoredDocument => ({
  id,
  key,
  sequence,
  body,
  ...(bytes !== undefined && { bytes: Buffer.from(bytes, 'base64') }),
});
