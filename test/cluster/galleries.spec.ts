import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chance } from '../support/chance.js';
import { searchedCard } from '../support/identification.js';
import { identifying, thresholdCard } from '../support/policy.js';
import { faceOf } from '../support/templates.js';
import { Client } from './client.js';
import { Cluster } from './cluster.js';
import { Ward } from './ward.js';

const seed = Number(process.env.CHAOS_SEED ?? 1);
const patients = 20;
const patienceMs = 60_000;

describe('galleries of two api processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-galleries-'));
  let cluster: Cluster;
  let client: Client;
  let ward: Ward;
  beforeAll(async () => {
    const env = { GALLERY_MEMORY_MB: '64' };
    cluster = await Cluster.start({ folder, apis: 2, workers: 1, random: chance(seed), env });
    client = new Client(cluster.urls, chance(seed));
    ward = await Ward.open(client, `searched-${randomUUID().slice(0, 8)}`, cluster.adminKey, {
      purpose: identifying({ searchesPerMinuteMax: 60_000 }),
      card: { ...thresholdCard, ...searchedCard },
    });
    for (const server of [0, 1]) await client.ask(ward.identification(faceOf(1)), patienceMs, server);
  }, 300_000);
  afterAll(async () => {
    client?.close();
    await cluster?.end();
    rmSync(folder, { recursive: true });
  }, 120_000);

  const enrol = async (face: Uint8Array, server: number) => {
    const [subjectId, consentId, templateId] = [randomUUID(), randomUUID(), randomUUID()];
    await client.ask(ward.registration(subjectId), patienceMs, server);
    await client.ask(ward.agreement(subjectId, consentId), patienceMs, server);
    await client.ask(ward.enrolment(subjectId, templateId, face), patienceMs, server);
    return { subjectId, consentId, templateId };
  };
  const found = async (face: Uint8Array, server: number): Promise<string[]> => {
    const { body } = await client.ask(ward.identification(face), patienceMs, server);
    return (body.candidates as { subjectId: string }[]).map(({ subjectId }) => subjectId);
  };
  /** How many templates an api holds. */
  const heldBy = async (server: number): Promise<number> => {
    const text = await (await fetch(`${cluster.urls[server]}/metrics`)).text();
    return Number(/^lethe_gallery_templates (\d+)$/m.exec(text)?.[1]);
  };
  const until = async (is: () => Promise<boolean>) => {
    const endsMs = performance.now() + patienceMs;
    while (!(await is())) {
      if (performance.now() > endsMs) throw new Error('not within a minute');
      await pause(100);
    }
  };

  it('find at either who was enrolled through the other, and nobody who withdrew through the other', async () => {
    for (let n = 0; n < patients; n++) {
      const face = faceOf(100 + n);
      const { subjectId, consentId } = await enrol(face, n % 2);
      expect(await found(face, (n + 1) % 2)).toEqual([subjectId]);
      if (n % 2 === 0) continue;
      await client.ask(ward.withdrawal(consentId), patienceMs, n % 2);
      expect(await found(face, (n + 1) % 2)).toEqual([]);
    }
  }, 120_000);

  it('are zeros at both, as both say, before a template counts as erased', async () => {
    const face = faceOf(200);
    const { subjectId, consentId, templateId } = await enrol(face, 0);
    for (const server of [0, 1]) expect(await found(face, server)).toEqual([subjectId]);
    const before = [await heldBy(0), await heldBy(1)];
    await client.ask(ward.withdrawal(consentId), patienceMs, 0);
    let steps: { step: string; detail?: string }[] = [];
    await until(async () => {
      const { body } = await client.send(0, ward.get(`erasures/${templateId}`));
      steps = body.steps as typeof steps;
      return body.state === 'erased';
    });
    // The worker compares nothing, and is a node all the same.
    expect(steps.find(({ step }) => step === 'evict')).toMatchObject({ detail: '3 evicted, 0 fenced' });
    expect([await heldBy(0), await heldBy(1)]).toEqual(before.map((held) => held - 1));
  }, 120_000);

  it('are let go of where a process loses its lease, which then says to use another method, and are made again', async () => {
    const face = faceOf(300);
    const { subjectId } = await enrol(face, 0);
    expect(await found(face, 0)).toEqual([subjectId]);
    await cluster.services.cut('redis', true);
    try {
      await until(async () => (await heldBy(0)) === 0 && (await heldBy(1)) === 0);
      const { status, body } = await client.send(0, ward.identification(face));
      expect([status, String(body.type)]).toEqual([503, expect.stringMatching(/building|unavailable/)]);
    } finally {
      await cluster.services.heal();
    }
    await until(async () => {
      const { status, body } = await client.send(0, ward.identification(face));
      return status === 200 && (body.candidates as object[]).length === 1;
    });
  }, 180_000);
});
