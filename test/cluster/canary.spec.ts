import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { filesIn, found } from '../support/canary.js';
import { family } from '../support/family.js';
import { makeRootKey } from '../support/infra.js';
import { Known } from '../support/known.js';
import { OwnServices } from '../support/own-services.js';
import { Server } from '../support/server.js';
import { Site } from '../support/site.js';

/** Every record of a topic, as its consumers get it: in files batches may be compressed. */
async function recordsOf(topic: string): Promise<Map<string, Buffer>> {
  const brokers = (process.env.KAFKA_BROKERS ?? '').split(',');
  const kafka = new Kafka({ clientId: 'canary', brokers, logLevel: logLevel.NOTHING });
  const [admin, consumer] = [kafka.admin(), kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 })];
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const total = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  const records = new Map<string, Buffer>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const all = Promise.withResolvers<void>();
  await consumer.run({
    eachMessage: async ({ partition, message: { offset, key, value, headers = {} } }) => {
      const parts = [key ?? '', value ?? '', ...Object.values(headers).flat(), ...Object.keys(headers)];
      const whole = parts.map((part) => Buffer.from(part ?? ''));
      records.set(`record ${offset} of partition ${partition}`, Buffer.concat(whole));
      if (records.size === total) all.resolve();
    },
  });
  await all.promise;
  await consumer.disconnect();
  return records;
}

describe('canaries', () => {
  const parent = mkdtempSync(join(tmpdir(), 'lethe-canary-'));
  const folder = join(parent, 'data');
  const [withdrawn, deleted, forgotten, bystander] = [1, 2, 3, 4].map((seed) => new Known(seed)) as [
    Known,
    Known,
    Known,
    Known,
  ];
  const erased = [withdrawn, deleted, forgotten];
  const everyone = [...erased, bystander];
  const secrets = everyone.flatMap((known) => known.secrets());
  let services: OwnServices;
  let server: Server;
  let site: Site;

  const begin = async () => {
    services = await OwnServices.in(join(parent, 'services'), 'mongo', 'kafka', 'redis', 'kms');
    Object.assign(process.env, services.env);
    await makeRootKey(services.env);
    server = await Server.start(folder);
  };
  /** All that is left when everything has ended: data and logs of servers and processes, and what the topic holds. */
  const leftBy = async (): Promise<ReadonlyMap<string, Buffer>> => {
    await server.end('SIGTERM');
    const { KAFKA_TOPIC = '' } = await family.environment(folder);
    const records = await recordsOf(KAFKA_TOPIC);
    await services.stop();
    return new Map([
      ...records,
      ...filesIn(services.folder),
      ...filesIn(folder),
      ['what it printed', Buffer.from(server.printed)],
      ['what it complained of', Buffer.from(server.complained)],
    ]);
  };

  beforeAll(async () => {
    await begin();
    site = await Site.open(server);
    for (const known of everyone) await known.arrive(site);
  }, 180_000);
  afterAll(async () => {
    await server?.end('SIGKILL');
    await services.down();
    rmSync(parent, { recursive: true });
  });

  it('are matched, and in the clear in no record, document, value, file or log of any server', async () => {
    for (const known of everyone) expect(await known.match(site)).toEqual(['accept', 'accept']);
    await pause(1_000);
    const left = await leftBy();
    expect(found(left, secrets)).toEqual([]);
    // That it would be found at all: names that stand everywhere in the clear.
    const { REDIS_PREFIX = '' } = await family.environment(folder);
    const names = [bystander.templateId, REDIS_PREFIX].map((text): [string, Buffer] => ['name', Buffer.from(text)]);
    const named = found(left, names).join('\n');
    for (const place of [/name in record \d/, /name in mongo\//, /name in redis\//]) expect(named).toMatch(place);
  }, 180_000);

  it('are erased, and then in the clear in none of them', async () => {
    await begin();
    site.move(server);
    await withdrawn.withdraw(site);
    await site.ask({ method: 'DELETE', path: `/v1/templates/${deleted.templateId}`, as: 'backend' });
    await site.ask({ method: 'DELETE', path: `/v1/subjects/${forgotten.subjectId}`, as: 'registrar' });
    await Promise.all(erased.map((known) => known.erased(site)));
    await pause(1_000);
    expect(found(await leftBy(), secrets)).toEqual([]);
  }, 180_000);
});
