import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { ClusterAdapters, publishedLog } from '#lib/adapters-cluster';
import { SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import { EventStore, Feed, type Follower, type StoredEvent, Views } from '#lib/ports';
import { ApiModule } from '../../../apps/api/src/api.module.js';
import { clusterSettings } from '../../support/cluster-family.js';
import { appendLives } from '../lives.js';
import { BenchServer } from '../server.js';
import type { Trial } from '../trial.js';
import { matchDecided } from './events.js';
import { inCluster } from './servers.js';

const tenant = TenantId.parse('bench');
const perSecond = 1_000;
const ticksPerSecond = 100;

/** How long after it was decided an event reaches a follower, while so many are written each second. */
export const lagTrial: Trial = {
  name: 'lag of the feed',
  smoke: { seconds: 1, rounds: 1, count: 0 },
  real: { seconds: 20, rounds: 1, count: 0 },
  run: ({ seconds }) =>
    inCluster(async ({ folder, env }) => {
      const worker = await BenchServer.worker(folder, env);
      const settings = await clusterSettings(folder);
      const watching = { ...settings, kafka: { ...settings.kafka, group: `${settings.kafka.group}-watch` } };
      const app = await NestFactory.createApplicationContext(
        await ClusterAdapters.open(watching, { relay: false, follow: true }),
        { logger: false },
      );
      try {
        const watcher = new Watcher();
        await app.get(Feed).follow(watcher);
        const store = app.get(EventStore);
        let behindMs = 0;
        const begunMs = performance.now();
        for (let tick = 1; tick <= seconds * ticksPerSecond; tick++) {
          const appends = Array.from({ length: perSecond / ticksPerSecond }, () => {
            const event = matchDecided(new Date());
            return store.append({ tenant, stream: `match-${event.id}-2026-06`, expected: 0, events: [event] });
          });
          void Promise.all(appends);
          const dueMs = begunMs + (tick * 1_000) / ticksPerSecond;
          behindMs = Math.max(behindMs, performance.now() - dueMs);
          await sleep(Math.max(0, dueMs - performance.now()));
        }
        await watcher.reach(seconds * perSecond);
        return [{ name: 'lag of the feed', perSecond, generatorBehindMs: Math.round(behindMs), ...watcher.figures() }];
      } finally {
        await app.close();
        await worker.end();
      }
    }),
};

/** Notes how old each event is when it comes. */
class Watcher implements Follower {
  readonly name = 'watcher';
  private readonly agesMs: number[] = [];

  position(): number {
    return this.agesMs.length;
  }

  take(events: readonly StoredEvent[]): void {
    const nowMs = Date.now();
    for (const { sequence, at } of events) {
      if (sequence === this.agesMs.length + 1) this.agesMs.push(nowMs - Date.parse(at));
    }
  }

  async reach(count: number): Promise<void> {
    while (this.agesMs.length < count) await sleep(10);
  }

  figures() {
    const sorted = [...this.agesMs].sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
    return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }
}

/** Every view built again from what was published, and beside it the reading alone. */
export const rebuildTrial: Trial = {
  name: 'rebuild from Kafka',
  smoke: { seconds: 0, rounds: 1, count: 700 },
  real: { seconds: 0, rounds: 3, count: 50_000 },
  run: ({ count, rounds }) =>
    inCluster(async ({ folder }) => {
      const settings = await clusterSettings(folder);
      const adapters = await ClusterAdapters.open(settings, { relay: true, follow: false });
      const app = await NestFactory.createApplicationContext(ApiModule.over(adapters, { follow: false }), {
        logger: false,
      });
      try {
        await appendLives(app.get(EventStore), tenant, count);
        const figures = [];
        while ((await read(settings.kafka)) < count) await sleep(500);
        for (let round = 0; round < rounds; round++) {
          const reading = await timed(() => read(settings.kafka));
          const building = await timed(async () => {
            await app.get(Views).rebuild(() => {}, publishedLog(settings.kafka, new SystemRandom()));
            return count;
          });
          figures.push({ name: 'rebuild from Kafka', events: count, perSecond: building, readingAlone: reading });
        }
        return figures;
      } finally {
        await app.close();
      }
    }),
};

async function read(kafka: Parameters<typeof publishedLog>[0]): Promise<number> {
  let events = 0;
  for await (const page of publishedLog(kafka, new SystemRandom())) events += page.events.length;
  return events;
}

async function timed(act: () => Promise<number>): Promise<number> {
  const begunMs = performance.now();
  const count = await act();
  return Math.round((count * 1_000) / (performance.now() - begunMs));
}
