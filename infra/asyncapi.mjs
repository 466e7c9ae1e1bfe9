/**
 * Writes docs/asyncapi.yaml and docs/schemas from the events: what is published, for whoever consumes it. Part of
 * `npm run docs`. A schema of an older version of an event is written no more, and kept.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

const root = join(import.meta.dirname, '..');
const text = (pattern) => ({ type: 'string', pattern });

/** What is in the headers of every record: the attributes of CloudEvents 1.0 in the binary mode of its Kafka binding. */
const headers = {
  ce_specversion: { const: '1.0', description: 'The version of CloudEvents.' },
  ce_id: { type: 'string', maxLength: 200, description: 'Of the event: the same however often it is published.' },
  ce_source: {
    ...text('^urn:lethe:tenant:[a-z0-9][a-z0-9-]{0,62}$'),
    description: 'Whose event it is. Sequences count in it.',
  },
  ce_type: { ...text('^[a-z-]+\\.[a-z-]+$'), description: 'What happened. Who wants only some facts filters by it.' },
  ce_subject: { type: 'string', maxLength: 200, description: 'The stream: what it happened to.' },
  ce_time: {
    type: 'string',
    format: 'date-time',
    description: 'When it was decided, in UTC. For the order, see `ce_sequence`.',
  },
  'content-type': { const: 'application/json', description: 'Of the value.' },
  ce_tenant: { ...text('^[a-z0-9][a-z0-9-]{0,62}$'), description: 'The hospital, as in `ce_source` and in the key.' },
  ce_sequence: {
    ...text('^[0-9]{16}$'),
    description:
      "Place in the tenant's log: 1, 2, 3 ... without gaps; with leading zeros, so that texts sort as numbers do.",
  },
  ce_revision: { ...text('^[1-9][0-9]*$'), description: 'Place in its stream: 1, 2, 3 ...' },
  ce_dataversion: {
    ...text('^[1-9][0-9]*$'),
    description: 'Of the schema of the value: docs/schemas/TYPE.vVERSION.json.',
  },
  ce_actor: { type: 'string', maxLength: 80, description: 'Who did it: a pseudonym, such as the id of a key.' },
};

const info = {
  title: 'Lethe events',
  version: '1.0.0',
  description: `Every fact that Lethe stored, published as a CloudEvent 1.0 in binary mode: consents, enrolments, matches, erasures.

A tenant lies in one partition, by its key. Its events are there in the order of \`ce_sequence\`, each at least once, and for
ever. Some come again, and after a fault one may come before its turn. So keep one number for each tenant, the last sequence
you took, and take nothing but the next: drop what is not above it, and pass over what is further; it comes again. If the
topic was lost, all of it is published again, and such a reader notices nothing.

No record holds a template, a probe or anything personal in the clear: a field called \`sealed…\` is encrypted under the
subject's own key, and noise once that is destroyed. A new version of an event is a new schema beside the old one: read
\`ce_dataversion\`, and expect types and versions you do not know.`,
};

const summaryOf = ({ type, stream }) => `${type}, in a stream named ${stream}-<id>`;
export const nameOf = ({ type, version }) => `${type}.v${version}`;

/** The events of the streams, each in every version it ever had: [{type, version, stream, lib, schema?}]. */
export const publishedIn = (streams) =>
  streams
    .flatMap(([lib, { name: stream, events }]) =>
      events.flatMap(({ type, version: newest, data }) =>
        Array.from({ length: newest }, (_, n) => ({
          ...{ type, version: n + 1, stream, lib },
          ...(n + 1 === newest && { schema: data }),
        })),
      ),
    )
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));

/** The schema of the newest version of an event, as a file. */
export const schemaDocument = (event, schemaOf) => {
  const { $schema, ...schema } = schemaOf(event.schema, { target: 'draft-7' });
  const $id = `urn:lethe:schema:${event.type}:${event.version}`;
  return `${JSON.stringify({ $schema, $id, title: nameOf(event), ...schema }, null, 2)}\n`;
};

function messageOf(event) {
  const name = nameOf(event);
  const own = { ce_type: { const: event.type }, ce_dataversion: { const: String(event.version) } };
  return {
    name,
    title: name,
    summary: summaryOf(event),
    contentType: 'application/json',
    headers: { allOf: [{ $ref: '#/components/schemas/headers' }, { type: 'object', properties: own }] },
    payload: { schemaFormat: 'application/schema+json;version=draft-07', schema: { $ref: `./schemas/${name}.json` } },
    bindings: {
      kafka: { key: { ...text('^[a-z0-9][a-z0-9-]{0,62}$'), description: 'The tenant.' }, bindingVersion: '0.5.0' },
    },
  };
}

/** What is published, where and how: docs/asyncapi.yaml. */
export function asyncapiDocument(published) {
  const named = published.map((event) => [nameOf(event), event]);
  const document = {
    asyncapi: '3.0.0',
    info,
    defaultContentType: 'application/json',
    channels: {
      events: {
        address: 'lethe.events',
        title: 'All events of all tenants',
        description: 'The name is what KAFKA_TOPIC says; this is its default.',
        messages: Object.fromEntries(named.map(([name]) => [name, { $ref: `#/components/messages/${name}` }])),
        bindings: {
          kafka: {
            topicConfiguration: { 'cleanup.policy': ['delete'], 'retention.ms': -1, 'retention.bytes': -1 },
            bindingVersion: '0.5.0',
          },
        },
      },
    },
    operations: {
      publish: { action: 'send', channel: { $ref: '#/channels/events' }, summary: 'Lethe alone writes this topic.' },
    },
    components: {
      messages: Object.fromEntries(named.map(([name, event]) => [name, messageOf(event)])),
      schemas: { headers: { type: 'object', required: Object.keys(headers), properties: headers } },
    },
  };
  return `# Generated: npm run docs.\n${stringify(document, { lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false })}`;
}

export function writeAsyncapi(streams, schemaOf) {
  const published = publishedIn(streams);
  for (const event of published.filter(({ schema }) => schema)) {
    writeFileSync(join(root, 'docs/schemas', `${nameOf(event)}.json`), schemaDocument(event, schemaOf));
  }
  writeFileSync(join(root, 'docs/asyncapi.yaml'), asyncapiDocument(published));
}

/** The schemas that there are, by name. */
export const schemasKept = () =>
  Object.fromEntries(
    globSync('docs/schemas/*.json', { cwd: root })
      .sort()
      .map((file) => [/([^/]+)\.json$/.exec(file)[1], JSON.parse(readFileSync(join(root, file), 'utf8'))]),
  );
