import { z } from 'zod';
import { clusterEnvironment, placesOf } from './cluster-environment.js';

const least = {
  MONGODB_URI: 'mongodb://one/',
  KAFKA_BROKERS: 'one:9092, two:9092',
  REDIS_URL: 'redis://one',
  AWS_REGION: 'eu-central-1',
};
const sasl = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'lethe', KAFKA_SASL_PASSWORD: 'secret' };
const schema = clusterEnvironment({ PORT: z.coerce.number() });
const read = (more: Record<string, string> = {}) => schema.safeParse({ PORT: '1', ...least, ...more });
const complaintsOf = (more: Record<string, string>) =>
  (read(more).error?.issues ?? []).map(({ path }) => path.join('.'));
const placesFor = (more: Record<string, string>) =>
  placesOf(schema.parse({ PORT: '1', ...least, ...more }), { blobsFolder: 'blobs' });

describe('the environment of the cluster family', () => {
  it('needs the places of its servers, and knows a default for the rest', () => {
    expect(placesFor({})).toEqual({
      nodeId: expect.stringMatching(/^.+-[0-9a-f]{8}$/),
      store: { uri: 'mongodb://one/', database: 'lethe', timeoutMs: 900 },
      vault: { uri: 'mongodb://one/', database: 'lethe-vault', timeoutMs: 900 },
      keys: { uri: 'mongodb://one/', database: 'lethe-keys', timeoutMs: 900 },
      kafka: {
        brokers: ['one:9092', 'two:9092'],
        topic: 'lethe.events',
        partitions: 32,
        replication: 1,
        group: 'lethe',
        isTls: false,
      },
      redis: { url: 'redis://one', prefix: 'lethe:' },
      kms: { endpoint: undefined, region: 'eu-central-1', rootKeyId: 'alias/lethe', timeoutMs: 800 },
      blobsFolder: 'blobs',
    });
    expect(schema.safeParse({ PORT: '1' }).error?.issues.map(({ path }) => path.join())).toEqual(Object.keys(least));
  });

  it('keeps vault and keys in other servers where it is told to', () => {
    const more = { VAULT_MONGODB_URI: 'mongodb://vault/', KEYS_MONGODB_URI: 'mongodb+srv://keys/', NODE_ID: 'named' };
    const { vault, keys, nodeId } = placesFor(more);
    expect([vault.uri, keys.uri]).toEqual(['mongodb://vault/', 'mongodb+srv://keys/']);
    expect(nodeId).toMatch(/^named-[0-9a-f]{8}$/);
  });

  it('logs in to Kafka with all that takes, or not at all', () => {
    const { KAFKA_SASL_PASSWORD: password, ...rest } = sasl;
    expect(placesFor({ ...sasl, KAFKA_TLS: 'true' }).kafka).toMatchObject({
      isTls: true,
      sasl: { mechanism: 'plain', username: 'lethe', password },
    });
    expect(complaintsOf(rest)).toEqual(['KAFKA_SASL_PASSWORD']);
    expect(complaintsOf({ AWS_ACCESS_KEY_ID: 'id' })).toEqual(['AWS_SECRET_ACCESS_KEY']);
  });

  it('hands over the credentials that it was given', () => {
    const given = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    expect(placesFor(given).kms.credentials).toEqual({ accessKeyId: 'id', secretAccessKey: 'secret' });
  });

  it('says everything that is wrong at once', () => {
    const wrong = {
      MONGODB_URI: 'http://one',
      KAFKA_BROKERS: 'one',
      REDIS_URL: 'one:6379',
      KAFKA_TLS: 'perhaps',
      MONGODB_TIMEOUT_MS: '1',
      KAFKA_SASL_USERNAME: 'lethe',
    };
    expect(complaintsOf(wrong).sort()).toEqual([
      'KAFKA_BROKERS.0',
      'KAFKA_SASL_MECHANISM',
      'KAFKA_SASL_PASSWORD',
      'KAFKA_TLS',
      'MONGODB_TIMEOUT_MS',
      'MONGODB_URI',
      'REDIS_URL',
    ]);
  });
});
