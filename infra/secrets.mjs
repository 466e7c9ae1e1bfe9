/**
 * Makes the secrets of docker-compose.yml, once: passwords that nobody chose, in files that only whoever uses them may
 * read. `secrets.mjs FOLDER`, as root. What is there is left as it is; to change one, remove it and the data it guards.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Users inside the images. */
const lethe = 10_001;
const mongo = 999;
const redis = 999;

const [, , folder = '/secrets'] = process.argv;
const password = () => randomBytes(24).toString('base64url');
const mongoPassword = password();
const redisPassword = password();

/** By folder: whose it is, and what it holds. */
const secrets = {
  mongo: [mongo, { password: mongoPassword, keyfile: randomBytes(512).toString('base64') }],
  redis: [redis, { password: redisPassword, 'redis.conf': `requirepass ${redisPassword}\n` }],
  lethe: [
    lethe,
    {
      'mongodb-uri': `mongodb://root:${mongoPassword}@mongo:27017/?authSource=admin&replicaSet=lethe`,
      'redis-url': `redis://:${redisPassword}@redis:6379`,
    },
  ],
};

// All or none: the passwords of one folder stand in the other.
if (existsSync(join(folder, 'made'))) {
  console.log('the secrets are there');
} else {
  for (const [name, [owner, files]] of Object.entries(secrets)) {
    mkdirSync(join(folder, name), { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      writeFileSync(join(folder, name, file), text, { mode: 0o600 });
      chmodSync(join(folder, name, file), 0o400);
      chownSync(join(folder, name, file), owner, owner);
    }
    chownSync(join(folder, name), owner, owner);
    chmodSync(join(folder, name), 0o500);
  }
  writeFileSync(join(folder, 'made'), '');
  console.log('the secrets are made');
}
