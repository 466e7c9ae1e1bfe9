import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { NestFactory } from '@nestjs/core';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { Views } from '#lib/ports';
import { ApiModule } from '../../apps/api/src/api.module.js';
import { inFolder } from './folder.js';
import { type LifeFact, lifeOf } from './lives.js';
import { BenchServer } from './server.js';
import type { Trial } from './trial.js';
import { Ward } from './ward.js';

const perTransaction = 10_000;
const sampleMs = 50;

/** What a long history costs: to start with, to report on, to build views from. */
export const historyTrial: Trial = {
  name: 'a long history',
  smoke: { seconds: 0, rounds: 1, count: 2_000 },
  real: { seconds: 0, rounds: 1, count: 1_000_000 },
  run: ({ count }) =>
    inFolder(async (folder) => {
      const fresh = await BenchServer.ours(folder);
      const ward = await Ward.open(fresh.url, folder);
      await fresh.end();
      lengthen(join(folder, 'events.db'), ward.tenant, count);
      const rebuiltPerSecond = await rebuild(folder);
      const grown = await BenchServer.ours(folder);
      try {
        const report = await measureReport(grown, ward);
        return [
          { name: 'start on an empty folder', readyMs: Math.round(fresh.readyMs) },
          { name: 'rebuild of every view', events: count, perSecond: rebuiltPerSecond },
          { name: 'start on a long history', events: count, readyMs: Math.round(grown.readyMs) },
          { name: 'lifecycle report', facts: count, ...report },
        ];
      } finally {
        await grown.end();
      }
    }),
};

/** Adds lifecycles to a log, as facts that any reader takes: consent, enrolment, withdrawal, erasure, matches. */
function lengthen(file: string, tenant: string, count: number): void {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA synchronous = OFF');
  const insert = db.prepare('INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const last = db.prepare('SELECT max(sequence) AS last FROM event WHERE tenant = ?').get(tenant)?.last as number;
  const at = '2026-06-01T08:00:00.000Z';
  let life = lifeOf(randomUUID());
  db.exec('BEGIN');
  for (let n = 0; n < count; n++) {
    if (life.length === 0) life = lifeOf(randomUUID());
    const [stream, revision, type, data] = life.shift() as LifeFact;
    insert.run(tenant, last + n + 1, stream, revision, randomUUID(), type, 1, JSON.stringify(data), at, 'key-bench');
    if (n % perTransaction === 0) db.exec('COMMIT; BEGIN');
  }
  db.exec('COMMIT');
  db.close();
}

async function rebuild(folder: string): Promise<number> {
  const adapters = EmbeddedAdapters.inFolder({ folder });
  const app = await NestFactory.createApplicationContext(ApiModule.over(adapters, { follow: false }), {
    logger: false,
  });
  let events = 0;
  const begunMs = performance.now();
  await app.get(Views).rebuild(({ total }) => {
    events = Math.max(events, total);
  });
  const seconds = (performance.now() - begunMs) / 1_000;
  await app.close();
  return Math.round(events / seconds);
}

async function measureReport(server: BenchServer, ward: Ward) {
  let residentMb = server.residentMb();
  const sampling = setInterval(() => {
    residentMb = Math.max(residentMb, server.residentMb());
  }, sampleMs);
  const begunMs = performance.now();
  const headers = { authorization: `Bearer ${ward.keys.dpo}` };
  const answer = await fetch(`${server.url}/v1/reports/lifecycle?format=csv`, { headers });
  let bytes = 0;
  for await (const chunk of answer.body ?? []) bytes += chunk.length;
  clearInterval(sampling);
  if (!answer.ok) throw new Error(`the report failed: ${answer.status}`);
  const seconds = Number(((performance.now() - begunMs) / 1_000).toFixed(2));
  return { seconds, megabytes: Math.round(bytes / 1e6), residentMbMax: Math.round(residentMb) };
}
