import { Logger } from '@nestjs/common';
import { type KafkaPlace, publishedLog, recordOf } from '#lib/adapters-cluster';
import { SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { EventStore, type StoredEvent } from '#lib/ports';
import { TestApi } from '../support/api.js';
import { chance } from '../support/chance.js';
import { embedded } from '../support/embedded-family.js';
import { consenting, enrolled, erasureOf, verify } from '../support/enrolment.js';
import { Hospital } from '../support/hospital.js';
import { bareKafka } from '../support/kafka.js';
import { Onlooker, Relayed } from '../support/relayed.js';
import { RebuiltViews } from './rebuilt-views.js';

const seed = Number(process.env.REBUILD_SEED ?? 1);
const tenants = ['here', 'there'].map((name) => TenantId.parse(name));

/** Some of all that can happen to patients. */
async function live(api: TestApi, tenant: TenantId): Promise<void> {
  const hospital = await Hospital.open(api, tenant);
  for (let n = 0; n < 4; n++) {
    await consenting(hospital);
    const [staying, gone, erased] = [await enrolled(hospital), await enrolled(hospital), await enrolled(hospital)];
    await verify(hospital, staying.subjectId).expect(200);
    await hospital.registrar.post(`/v1/consents/${gone.consentId}/withdrawal`).send({ channel: 'counter' }).expect(200);
    await hospital.registrar.delete(`/v1/subjects/${erased.subjectId}`).expect(202);
    for (const { templateId } of [gone, erased]) await erasureOf(hospital, templateId);
  }
}

/** What relays that do not know yet that they lost their leases go on to publish, and what a stranger writes. */
async function disturb(kafka: KafkaPlace, logs: readonly (readonly StoredEvent[])[], random: () => number) {
  const producer = bareKafka().producer();
  await producer.connect();
  for (let n = 0; n < 12; n++) {
    const parts = logs.map((log) => {
      const from = Math.floor(random() * log.length);
      return log.slice(from, from + 1 + Math.floor(random() * 20)).map(recordOf);
    });
    const foreign = [{ key: 'here', value: '{}' }, { value: 'nothing' }];
    await producer.send({ topic: kafka.topic, messages: [...parts.flat(), ...foreign] });
  }
  await producer.disconnect();
}

describe('views', () => {
  let api: TestApi;
  let relayed: Relayed;
  const opened: RebuiltViews[] = [];
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(async () => {
    await Promise.all(opened.map((views) => views.close()));
    await relayed?.close();
    await api?.close();
  });
  const open = async () => {
    const views = await RebuiltViews.open();
    opened.push(views);
    return views;
  };

  /** As it was lived through, one event after another. */
  const copy = async (): Promise<readonly (readonly StoredEvent[])[]> => {
    const logs: (readonly StoredEvent[])[] = [];
    for (const tenant of tenants) {
      const log = await api.app.get(EventStore).readLog(tenant, 0, 10_000);
      for (const { stream, revision, id, type, version, data, at, actor } of log) {
        const events = [{ id, type, version, data, at, actor }];
        await relayed.store.append({ tenant, stream, expected: revision - 1, events });
      }
      logs.push(await relayed.store.readLog(tenant, 0, 10_000));
      expect(logs.at(-1)).toEqual(log);
    }
    return logs;
  };
  const bytes = async (views: RebuiltViews) => {
    const shown: Record<string, string[]> = {};
    for (const tenant of tenants) {
      for (const name of views.names) {
        shown[`${tenant}/${name}`] = (await views.documentsOf(tenant, name)).map((each) => JSON.stringify(each));
      }
    }
    return shown;
  };

  it('built from Kafka alone have the bytes of those built from the store alone, whatever lies between', async () => {
    api = await TestApi.start({}, undefined, embedded);
    relayed = await Relayed.open();
    for (const tenant of tenants) await live(api, tenant);
    const logs = await copy();
    const random = chance(seed);

    const relay = await relayed.relay();
    await disturb(relayed.kafka, logs, random);
    const onlooker = await Onlooker.at(relayed.kafka.topic);
    await Promise.all(tenants.map((tenant, n) => onlooker.reach(tenant, logs[n]?.length ?? 0)));
    await relay.close();
    await disturb(relayed.kafka, logs, random);
    await onlooker.close();

    const [fromStore, fromKafka] = [await open(), await open()];
    for (const [n, tenant] of tenants.entries()) await fromStore.take(tenant, logs[n] ?? []);
    const published = new Map<TenantId, StoredEvent[]>(tenants.map((tenant) => [tenant, []]));
    for await (const { events } of publishedLog(relayed.kafka, new SystemRandom())) {
      for (const event of events) published.get(event.tenant)?.push(event);
    }
    for (const [tenant, log] of published) await fromKafka.take(tenant, log);
    const [expected, actual] = [await bytes(fromStore), await bytes(fromKafka)];
    expect(actual).toEqual(expected);
    for (const name of ['consents', 'due', 'templates']) expect(expected[`here/${name}`]?.length).toBeGreaterThan(3);
  }, 120_000);
});
