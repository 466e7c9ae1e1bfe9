import type { KafkaMessage } from 'kafkajs';
import { TenantId } from '#lib/core';
import type { StoredEvent } from '#lib/ports';

/** So wide that every sequence there can be sorts as text as it does as a number: so CloudEvents wants its `sequence`. */
const sequenceDigits = 16;

/** A record as a producer sends it: key, value and headers. */
export interface EventRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** As much of a record as is looked at here: how a consumer gets it. */
export type ForeignRecord = Pick<KafkaMessage, 'key' | 'value' | 'headers'>;

/** Who an event comes from, in the words of CloudEvents: sequences count within it, and ids are unique in it. */
export const sourceOf = (tenant: TenantId): string => `urn:lethe:tenant:${tenant}`;

/**
 * An event as a CloudEvent 1.0, in the binary mode of its Kafka binding: what it is stands in headers, the data alone in the
 * value, and the key is the tenant.
 *
 * The value has the fields in the order in which they are stored, not sorted: a view may keep a part of the data as it is,
 * and views built from Kafka must have the bytes of those that are built from the store.
 */
export function recordOf(event: StoredEvent): EventRecord {
  const { id, tenant, stream, revision, sequence, type, version, data, at, actor } = event;
  return {
    key: tenant,
    value: JSON.stringify(data),
    headers: {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: sourceOf(tenant),
      ce_type: type,
      ce_subject: stream,
      ce_time: at,
      'content-type': 'application/json',
      ce_tenant: tenant,
      ce_sequence: String(sequence).padStart(sequenceDigits, '0'),
      ce_revision: String(revision),
      ce_dataversion: String(version),
      ce_actor: actor,
    },
  };
}

/** The event that a record holds; undefined where it holds none of ours, whatever it is then. */
export function eventIn({ key, value, headers = {} }: ForeignRecord): StoredEvent | undefined {
  const text = (name: string): string => {
    const header = headers[name];
    return header === undefined || Array.isArray(header) ? '' : header.toString();
  };
  const tenant = TenantId.safeParse(text('ce_tenant'));
  if (!tenant.success || key?.toString() !== tenant.data) return undefined;
  if (text('ce_specversion') !== '1.0' || text('ce_source') !== sourceOf(tenant.data)) return undefined;
  const event = {
    id: text('ce_id'),
    tenant: tenant.data,
    stream: text('ce_subject'),
    revision: count(text('ce_revision')),
    sequence: count(text('ce_sequence')),
    type: text('ce_type'),
    version: count(text('ce_dataversion')),
    data: objectIn(value),
    at: text('ce_time'),
    actor: text('ce_actor'),
  };
  const { data, revision, sequence, version, ...rest } = event;
  const isWhole = Object.values(rest).every((each) => each !== '') && !Number.isNaN(Date.parse(event.at));
  return isWhole && data && revision && sequence && version ? event : undefined;
}

/** Counts from 1; 0 for what is no such number. */
function count(digits: string): number {
  const number = /^\d{1,16}$/.test(digits) ? Number(digits) : 0;
  return Number.isSafeInteger(number) ? number : 0;
}

function objectIn(value: Buffer | null): object | undefined {
  try {
    const data: unknown = JSON.parse(value?.toString() ?? '');
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? data : undefined;
  } catch {
    return undefined;
  }
}
