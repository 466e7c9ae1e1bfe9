import { randomBytes } from 'node:crypto';
import { SystemClock, SystemRandom } from '#lib/adapters-system';
import { keyServiceContract } from '#lib/ports/contracts';
import { KmsKeyService } from './kms-key-service.adapter.js';
import { openDatabase } from './mongo-connection.js';

const ticks = new SystemClock();
const random = new SystemRandom();
const endpoint = process.env.KMS_ENDPOINT;
// Without one the SDK would go to the real AWS.
if (!endpoint) throw new Error('KMS_ENDPOINT is not set');
const kms = { endpoint, region: 'eu-central-1', rootKeyId: 'alias/lethe', timeoutMs: 10_000 };
const database = () => `keys-${randomBytes(6).toString('hex')}`;

keyServiceContract(async () => {
  const connection = await openDatabase({
    uri: process.env.MONGODB_URI ?? '',
    database: database(),
    timeoutMs: 10_000,
  });
  const services: KmsKeyService[] = [];
  const reopen = async () => {
    const service = await KmsKeyService.open({ kms, connection, random, ticks });
    services.push(service);
    return service;
  };
  const close = async () => {
    for (const service of services) service.close();
    await connection.dropDatabase();
    await connection.close();
  };
  return { keys: await reopen(), reopen, close };
});
