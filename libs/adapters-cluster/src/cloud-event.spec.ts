import * as fc from 'fast-check';
import { TenantId } from '#lib/core';
import type { StoredEvent } from '#lib/ports';
import { eventIn, type ForeignRecord, recordOf } from './cloud-event.js';

const event: StoredEvent = {
  id: '5f0c3a52-6f0e-4c3e-9f5e-0d2b8b7f1a11',
  tenant: TenantId.parse('ward-3'),
  stream: 'consent-0b8f6d1e',
  revision: 2,
  sequence: 41,
  type: 'consent.withdrawn',
  version: 1,
  data: { purposeId: 'check-in', consentId: 'x', empty: null, list: [1, { b: 1, a: 2 }] },
  at: '2026-03-04T05:06:07.089Z',
  actor: 'key-7',
};

/** As a consumer gets it: bytes. */
const received = (sent = recordOf(event), changed: Record<string, string | undefined> = {}): ForeignRecord => {
  const headers = Object.entries({ ...sent.headers, ...changed }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Buffer.from(value)] as const],
  );
  return { key: Buffer.from(sent.key), value: Buffer.from(sent.value), headers: Object.fromEntries(headers) };
};

describe('a CloudEvent', () => {
  it('is in binary mode: headers say what it is, the value is its data, the key its tenant', () => {
    expect(recordOf(event)).toEqual({
      key: 'ward-3',
      value: '{"purposeId":"check-in","consentId":"x","empty":null,"list":[1,{"b":1,"a":2}]}',
      headers: {
        ce_specversion: '1.0',
        ce_id: event.id,
        ce_source: 'urn:lethe:tenant:ward-3',
        ce_type: 'consent.withdrawn',
        ce_subject: 'consent-0b8f6d1e',
        ce_time: '2026-03-04T05:06:07.089Z',
        'content-type': 'application/json',
        ce_tenant: 'ward-3',
        ce_sequence: '0000000000000041',
        ce_revision: '2',
        ce_dataversion: '1',
        ce_actor: 'key-7',
      },
    });
  });

  it('names nothing that CloudEvents would not: lower case letters and digits, and none of its own names for an extension', () => {
    const names = Object.keys(recordOf(event).headers).filter((name) => name !== 'content-type');
    for (const name of names) expect(name).toMatch(/^ce_[a-z0-9]{1,20}$/);
  });

  it('has sequences that sort as text as they do as numbers', () => {
    const sequences = [1, 9, 10, 99, 100, 123_456_789, Number.MAX_SAFE_INTEGER];
    const sent = sequences.map((sequence) => recordOf({ ...event, sequence }).headers.ce_sequence ?? '');
    expect([...sent].sort()).toEqual(sent);
  });

  it('comes back as what it was, to the byte and the order of its fields', () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((each) => each.isWellFormed());
    const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    const data = fc.dictionary(text, fc.jsonValue()).map((made) => JSON.parse(JSON.stringify(made)) as object);
    const times = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true });
    const at = times.map((time) => time.toISOString());
    const some = {
      id: text,
      stream: text,
      actor: text,
      type: text,
      revision: number,
      sequence: number,
      version: number,
    };
    fc.assert(
      fc.property(fc.record({ ...some, data, at }), (made) => {
        const before = { ...event, ...made };
        const after = eventIn(received(recordOf(before)));
        expect(after).toEqual(before);
        expect(JSON.stringify(after?.data)).toBe(JSON.stringify(before.data));
      }),
    );
  });

  const mutations: readonly (readonly [string, ForeignRecord])[] = [
    ['without a key', { ...received(), key: null }],
    ['under the key of another tenant', { ...received(), key: Buffer.from('ward-4') }],
    ['without a value', { ...received(), value: null }],
    ['whose value is no JSON', { ...received(), value: Buffer.from('{"a":') }],
    ['whose value is a list', { ...received(), value: Buffer.from('[]') }],
    ['whose value is null', { ...received(), value: Buffer.from('null') }],
    ['with no headers', { key: received().key, value: received().value }],
    ['with a header twice', { ...received(), headers: { ...received().headers, ce_id: ['a', 'b'] } }],
    ['of another version of CloudEvents', received(undefined, { ce_specversion: '0.3' })],
    ['from another source', received(undefined, { ce_source: 'urn:other' })],
    ['of a tenant with no such name', received({ ...recordOf(event), key: 'Ward 3' }, { ce_tenant: 'Ward 3' })],
    ['from sequence 0', received(undefined, { ce_sequence: '0' })],
    ['from a sequence that is no number', received(undefined, { ce_sequence: '1e3' })],
    ['from a sequence beyond counting', received(undefined, { ce_sequence: '9999999999999999' })],
    ['from a negative revision', received(undefined, { ce_revision: '-1' })],
    ['at no time', received(undefined, { ce_time: 'yesterday' })],
    ...['ce_id', 'ce_type', 'ce_subject', 'ce_time', 'ce_actor', 'ce_dataversion', 'ce_revision', 'ce_sequence'].map(
      (name) => [`without ${name}`, received(undefined, { [name]: undefined })] as const,
    ),
  ];
  it.each(mutations)('%s is none of ours', (_, record) => {
    expect(eventIn(record)).toBeUndefined();
  });
});
