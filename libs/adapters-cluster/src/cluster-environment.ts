import { hostname } from 'node:os';
import { z } from 'zod';
import { SystemRandom } from '#lib/adapters-system';
import type { ClusterSettings } from './cluster-settings.js';

const uriMax = 4_000;
const mongo = z
  .string()
  .max(uriMax)
  .regex(/^mongodb(\+srv)?:\/\//, 'it has to begin with mongodb:// or mongodb+srv://');
const database = z.string().regex(/^[A-Za-z0-9_-]{1,60}$/, 'letters, digits, - and _ only, 60 at most');
const kafkaName = z.string().regex(/^[A-Za-z0-9._-]{1,200}$/, 'letters, digits, dots, - and _ only, 200 at most');
const milliseconds = z.coerce.number().int().min(50).max(60_000);
const address = /^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}$/;

/**
 * What the cluster family is told about its servers, each with its default and what it is. `secret` ones may lie in a
 * file instead.
 */
export const clusterVariables = {
  MONGODB_URI: mongo.meta({
    secret: true,
    description: 'The MongoDB that holds events and views, and whatever of the below is given no other.',
  }),
  MONGODB_DATABASE: database.default('lethe').meta({ description: 'Its database for events and views.' }),
  VAULT_MONGODB_URI: mongo.optional().meta({
    secret: true,
    description: 'The MongoDB of the vault; by default `MONGODB_URI`. Another one may have other backups.',
  }),
  VAULT_MONGODB_DATABASE: database.default('lethe-vault').meta({ description: 'Its database for the vault.' }),
  KEYS_MONGODB_URI: mongo.optional().meta({
    secret: true,
    description:
      'The MongoDB of wrapped keys; by default `MONGODB_URI`. Its backups should be kept apart, and shortly.',
  }),
  KEYS_MONGODB_DATABASE: database.default('lethe-keys').meta({ description: 'Its database for wrapped keys.' }),
  MONGODB_TIMEOUT_MS: milliseconds.default(900).meta({
    description: 'How long a call to MongoDB may take before its outcome counts as unknown.',
  }),
  KAFKA_BROKERS: z
    .string()
    .max(uriMax)
    .transform((text) => text.split(',').map((broker) => broker.trim()))
    .pipe(z.array(z.string().max(300).regex(address, 'host:port, several with commas between')))
    .meta({ description: 'Brokers to begin with, as `host:port`, several with commas between.' }),
  KAFKA_TOPIC: kafkaName.default('lethe.events').meta({ description: 'The topic of all events.' }),
  KAFKA_PARTITIONS: z.coerce.number().int().min(1).max(1_000).default(32).meta({
    description: 'Of that topic, when it is made; more than workers will ever be. A tenant lies in one, for good.',
  }),
  KAFKA_REPLICATION: z.coerce.number().int().min(1).max(9).default(1).meta({
    description: 'Of that topic, when it is made: 3 where there are three brokers.',
  }),
  KAFKA_GROUP: kafkaName.default('lethe').meta({ description: 'What consumer groups of ours begin with.' }),
  KAFKA_TLS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((told) => told === 'true')
    .meta({ description: '`true` where brokers are spoken to by TLS.' }),
  KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional().meta({
    description: '`plain`, `scram-sha-256` or `scram-sha-512`; without it nobody logs in.',
  }),
  KAFKA_SASL_USERNAME: z.string().max(500).optional().meta({ description: 'With whose name.' }),
  KAFKA_SASL_PASSWORD: z.string().max(2_000).optional().meta({ secret: true, description: 'With what password.' }),
  REDIS_URL: z
    .string()
    .max(uriMax)
    .regex(/^rediss?:\/\//, 'it has to begin with redis:// or rediss://')
    .meta({ secret: true, description: 'The Redis of jobs and leases. Losing all of it loses nothing.' }),
  REDIS_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,100}$/, 'letters, digits, dots, :, - and _ only, 100 at most')
    .default('lethe:')
    .meta({ description: 'What every name of ours there begins with.' }),
  KMS_ENDPOINT: z
    .url()
    .max(2_000)
    .optional()
    .meta({ description: 'Another KMS than that of AWS, such as a local one.' }),
  AWS_REGION: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'small letters, digits and - only')
    .meta({ description: 'The region of the KMS.' }),
  AWS_ACCESS_KEY_ID: z.string().max(200).optional().meta({
    secret: true,
    description: 'Whose access it is; by default found as the AWS SDK finds it, such as by the role of the machine.',
  }),
  AWS_SECRET_ACCESS_KEY: z.string().max(500).optional().meta({ secret: true, description: 'As above.' }),
  KMS_KEY_ID: z.string().min(1).max(2_048).default('alias/lethe').meta({
    description: 'The key above all keys: an id, an ARN or an alias. Without it nothing starts.',
  }),
  KMS_TIMEOUT_MS: milliseconds.default(800).meta({ description: 'How long a call to the KMS may take.' }),
  NODE_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/, 'letters, digits, dots, - and _ only, 100 at most')
    .optional()
    .meta({
      description:
        'What its name in leases and logs begins with, by default that of its machine; each start adds a number.',
    }),
  START_WAIT_SECONDS: z.coerce.number().int().min(0).max(3_600).default(60).meta({
    description: 'How long it waits at its start for servers that are not there yet.',
  }),
};

const saslNames = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;
const awsNames = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

/** What a process of the cluster is told: the above, and what is its own. What belongs together is given together. */
export function clusterEnvironment<More extends z.ZodRawShape>(more: More) {
  let schema = z.object({ ...more, ...clusterVariables });
  for (const names of [saslNames, awsNames]) {
    for (const name of names) {
      schema = schema.refine((given) => isTogether(given as Given, name, names), {
        path: [name],
        message: `it has to be given together with ${names.filter((other) => other !== name).join(' and ')}`,
        // All complaints at once, also where another setting is wrong.
        when: () => true,
      });
    }
  }
  return schema;
}

type Given = Readonly<Record<string, unknown>>;

const isTogether = (given: Given, name: string, names: readonly string[]) =>
  given[name] !== undefined || names.every((each) => given[each] === undefined);

export type ClusterEnvironment = z.output<z.ZodObject<typeof clusterVariables>>;

/** The same as places, for `ClusterAdapters.open`. */
export function placesOf(environment: ClusterEnvironment, more: { readonly blobsFolder: string }): ClusterSettings {
  const { MONGODB_URI: uri, MONGODB_TIMEOUT_MS: timeoutMs } = environment;
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = environment;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  return {
    nodeId: `${environment.NODE_ID ?? hostname()}-${new SystemRandom().bytes(4).toString('hex')}`,
    store: { uri, database: environment.MONGODB_DATABASE, timeoutMs },
    vault: { uri: environment.VAULT_MONGODB_URI ?? uri, database: environment.VAULT_MONGODB_DATABASE, timeoutMs },
    keys: { uri: environment.KEYS_MONGODB_URI ?? uri, database: environment.KEYS_MONGODB_DATABASE, timeoutMs },
    kafka: {
      brokers: environment.KAFKA_BROKERS,
      topic: environment.KAFKA_TOPIC,
      partitions: environment.KAFKA_PARTITIONS,
      replication: environment.KAFKA_REPLICATION,
      group: environment.KAFKA_GROUP,
      isTls: environment.KAFKA_TLS,
      ...(mechanism && username && password && { sasl: { mechanism, username, password } }),
    },
    redis: { url: environment.REDIS_URL, prefix: environment.REDIS_PREFIX },
    kms: {
      endpoint: environment.KMS_ENDPOINT,
      region: environment.AWS_REGION,
      rootKeyId: environment.KMS_KEY_ID,
      timeoutMs: environment.KMS_TIMEOUT_MS,
      ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey } }),
    },
    ...more,
  };
}
