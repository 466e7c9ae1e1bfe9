import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { z } from 'zod';
import { recordOf } from '#lib/adapters-cluster';
import { TenantId } from '#lib/core';

const root = join(import.meta.dirname, '..');
const files = (pattern: string) => globSync(pattern, { cwd: root }).sort();
const text = (file: string) => readFileSync(join(root, file), 'utf8');
const json = (file: string): Record<string, unknown> => JSON.parse(text(file));
const load = (file: string): Promise<Record<string, unknown>> => import(join(root, file));

interface Published {
  readonly type: string;
  readonly version: number;
  readonly stream: string;
  readonly lib: string;
  readonly schema?: z.ZodType;
}
interface Writers {
  readonly nameOf: (event: Published) => string;
  readonly publishedIn: (streams: readonly unknown[]) => readonly Published[];
  readonly schemaDocument: (event: Published, schemaOf: typeof z.toJSONSchema) => string;
  readonly asyncapiDocument: (published: readonly Published[]) => string;
  readonly streamsIn: (files: readonly string[], modules: readonly object[]) => unknown[];
}

/** Formats are what the pattern beside them says. */
const ajv = () => new Ajv({ strict: false, validateFormats: false, allErrors: true });

describe('what is published, in docs/asyncapi.yaml and docs/schemas', () => {
  let writers: Writers;
  let published: readonly Published[];
  beforeAll(async () => {
    writers = { ...(await load('infra/docs.mjs')), ...(await load('infra/asyncapi.mjs')) } as unknown as Writers;
    const streams = files('libs/*/src/*.stream.ts');
    published = writers.publishedIn(writers.streamsIn(streams, await Promise.all(streams.map(load))));
  });

  it('is what the streams hold; when this fails, run npm run docs', () => {
    expect(text('docs/asyncapi.yaml')).toBe(writers.asyncapiDocument(published));
    expect(files('docs/schemas/*').map((file) => file.replace('docs/schemas/', ''))).toEqual(
      published.map((event) => `${writers.nameOf(event)}.json`),
    );
    for (const event of published.filter(({ schema }) => schema)) {
      const written = writers.schemaDocument(event, z.toJSONSchema);
      expect(text(`docs/schemas/${writers.nameOf(event)}.json`)).toBe(written);
    }
  });

  it('is an AsyncAPI document of version 3.0', () => {
    const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json');
    const isValid = ajv().compile(schema);
    const document = parse(text('docs/asyncapi.yaml'));
    isValid(document);
    expect(isValid.errors ?? []).toEqual([]);
    const broken = { ...document, channels: { events: { ...document.channels.events, address: 5 } } };
    expect(isValid(broken)).toBe(false);
  });

  it('fits every frozen sample of every event, and the record that is made of it', () => {
    const { headers } = parse(text('docs/asyncapi.yaml')).components.schemas;
    const areHeaders = ajv().compile(headers);
    const tenant = TenantId.parse('here');
    const common = { id: 'event-1', tenant, revision: 1, sequence: 1, at: '2026-01-01T00:00:00.000Z', actor: 'key-1' };
    for (const { type, version, stream, lib } of published) {
      const data = json(`libs/${lib}/src/events/${type}.v${version}.json`);
      const isData = ajv().compile(json(`docs/schemas/${type}.v${version}.json`));
      expect([type, isData(data), isData.errors]).toEqual([type, true, null]);
      expect([type, isData({ ...data, unheardOf: 1 })]).toEqual([type, false]);
      const record = recordOf({ ...common, stream: `${stream}-1`, type, version, data });
      expect([type, areHeaders(record.headers), areHeaders.errors]).toEqual([type, true, null]);
      expect(new Set(Object.keys(record.headers))).toEqual(new Set(headers.required));
    }
  });
});
