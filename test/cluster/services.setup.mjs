import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { makeRootKey } from '../../infra/root-key.mjs';

const root = join(import.meta.dirname, '../..');
const scripts = join(root, 'infra/services');
const folder = join(root, '.services');
const services = ['mongo', 'kafka', 'redis', 'kms'];
const places = ['MONGODB_URI', 'KAFKA_BROKERS', 'REDIS_URL', 'KMS_ENDPOINT'];

const run = (command, ...args) => {
  const { status } = spawnSync('bash', [join(scripts, command), '--dir', folder, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`infra/services/${command} failed`);
};

/** Uses the servers that the environment names. Where it names none, starts one of each, and names them there. */
export default async function setup() {
  if (places.every((place) => !process.env[place])) {
    run('up', ...services);
    process.loadEnvFile(join(folder, 'env'));
    process.env.LETHE_SERVICES_STARTED = folder;
  }
  // Whoever asks is let in by servers that only tests use.
  process.env.AWS_REGION ??= 'eu-central-1';
  process.env.AWS_ACCESS_KEY_ID ??= 'test';
  process.env.AWS_SECRET_ACCESS_KEY ??= 'test';
  process.env.LETHE_FAMILY = 'cluster';
  if (process.env.KMS_ENDPOINT) await makeRootKey(process.env);
}

/** Ends what was started, and removes what it stored. */
export function teardown() {
  if (process.env.LETHE_SERVICES_STARTED) run('down', '--wipe');
}
