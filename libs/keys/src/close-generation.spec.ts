import type { KeyObject } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { ActorId, type DatedFact, stateOf, TenantId } from '#lib/core';
import { Clock, EventStore, type KeyEntry, KeyService, KeyTable, Random, Streams } from '#lib/ports';
import { CloseGeneration, CloseGenerationHandler, type ClosingProgress, closeGeneration } from './close-generation.js';
import { DataKeys } from './data-keys.js';
import { GenerationClosed, GenerationStream, generationsId } from './generation.stream.js';

const tenant = TenantId.parse('here');
const caller = { tenant, actor: ActorId.parse('operator') };
const living = ['subject-1', 'template-1', 'template-2'];

class Stopped extends Error {}

/** Stops at the call `at` of all that are made of the ports together: before it took effect, or after. */
interface Stop {
  readonly at: number;
  readonly when: 'before' | 'after';
  calls: number;
}

const stopping = <P extends object>(port: P, stop: Stop): P =>
  new Proxy(port, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...asked: unknown[]) => {
        stop.calls += 1;
        const stops = stop.calls === stop.at;
        if (stops && stop.when === 'before') throw new Stopped();
        const answer: unknown = await method.apply(target, asked);
        if (stops) throw new Stopped();
        return answer;
      };
    },
  });

describe('close generation', () => {
  it('records it once', () => {
    const at = '2026-06-01T00:00:00.000Z';
    const closed = { generation: 2, rewrapped: 7 };
    const recorded = (past: readonly DatedFact[]) => closeGeneration(stateOf(GenerationStream, past), closed);
    expect(recorded([])).toEqual([GenerationClosed(closed)]);
    expect(recorded([{ ...GenerationClosed({ generation: 1, rewrapped: 3 }), at }])).toEqual([
      GenerationClosed(closed),
    ]);
    expect(recorded([{ ...GenerationClosed(closed), at }])).toEqual([]);
    expect(recorded([{ ...GenerationClosed({ generation: 3, rewrapped: 3 }), at }])).toEqual([]);
  });
});

describe('closing a generation', () => {
  let app: INestApplicationContext;
  let keyService: KeyService;
  let table: KeyTable;
  let keys: DataKeys;
  /** The keys of `living`, and what an older copy of the table holds of them and of one that was erased. */
  let made: readonly KeyObject[];
  let copies: readonly KeyEntry[];

  beforeEach(async () => {
    app = await NestFactory.createApplicationContext(EmbeddedAdapters.inTemporaryFolder(), { logger: false });
    [keyService, table] = [app.get(KeyService), app.get(KeyTable)];
    await keyService.provision(tenant);
    keys = new DataKeys(keyService, table, app.get(Random));
    made = await Promise.all(living.map((keyId) => keys.create(tenant, keyId)));
    await keys.create(tenant, 'template-0');
    copies = (await Promise.all([...living, 'template-0'].map((keyId) => table.get(tenant, keyId)))).filter(
      (entry) => entry !== undefined,
    );
    await keys.erase(tenant, ['template-0']);
  });
  afterEach(() => app.close());

  const handler = (stop: Stop = { at: 0, when: 'before', calls: 0 }) => {
    const [store, clock, random] = [app.get(EventStore), app.get(Clock), app.get(Random)];
    const streams = new Streams(stopping(store, stop), clock, random);
    return new CloseGenerationHandler(stopping(keyService, stop), stopping(table, stop), streams);
  };
  const close = (progress?: (progress: ClosingProgress) => void) =>
    handler().execute(new CloseGeneration(caller, progress));
  const history = async () => {
    const streams = new Streams(app.get(EventStore), app.get(Clock), app.get(Random));
    return (await streams.load(tenant, GenerationStream, generationsId)).state.closed;
  };
  const livingOpen = async () => {
    const opened = await Promise.all(living.map((keyId) => keys.open(tenant, keyId)));
    return opened.map((key, n) => made[n] && key?.equals(made[n]));
  };
  const copiesOpen = () => Promise.all(copies.map((entry) => keyService.unwrap(tenant, entry)));

  it('makes noise of every older copy, and every living key stays what it was', async () => {
    expect(await copiesOpen()).not.toContain(undefined);
    const progress: ClosingProgress[] = [];
    expect(await close((each) => progress.push(each))).toMatchObject({ generation: 1, rewrapped: 3, noise: 0 });
    expect(await copiesOpen()).toEqual(copies.map(() => undefined));
    expect(await livingOpen()).toEqual([true, true, true]);
    expect(await keyService.generations(tenant)).toEqual([2]);
    expect((await history()).map(({ generation }) => generation)).toEqual([1]);
    expect(progress).toEqual([{ done: 3, total: 3 }]);
  });

  it('removes what nothing opens any more', async () => {
    await close();
    // As after a restore of the key table from before the closing.
    await keys.erase(tenant, living);
    const restored = await keyService.wrap(tenant, 'template-9', new Uint8Array(32));
    await table.put(tenant, { ...restored, wrapped: new Uint8Array(restored.wrapped.length) });
    expect(await close()).toMatchObject({ generation: 2, rewrapped: 0, noise: 1 });
    expect(await table.count(tenant)).toBe(0);
  });

  it.each(['before', 'after'] as const)('may stop %s any call, and the next one goes on', async (when) => {
    let stoppedAt = 0;
    for (let at = 1; ; at++) {
      const stop: Stop = { at, when, calls: 0 };
      const stopped = await handler(stop)
        .execute(new CloseGeneration(caller))
        .then(
          () => false,
          (error: unknown) => error instanceof Stopped,
        );
      expect(await livingOpen()).toEqual([true, true, true]);
      if (!stopped) break;
      stoppedAt = at;
      const erased = `template-${at}-0`;
      await keys.create(tenant, erased);
      const copy = await table.get(tenant, erased);
      await keys.erase(tenant, [erased]);
      await close();
      expect(await livingOpen()).toEqual([true, true, true]);
      expect(await keyService.generations(tenant)).toHaveLength(1);
      expect(copy && (await keyService.unwrap(tenant, copy))).toBeUndefined();
      const closed = (await history()).map(({ generation }) => generation);
      expect(closed.at(-1)).toBe(((await keyService.generations(tenant)).at(-1) ?? 0) - 1);
      expect(closed).toEqual([...new Set(closed)].toSorted((a, b) => a - b));
    }
    expect(stoppedAt).toBeGreaterThan(8);
  });

  it('loses no key that is made meanwhile, however often and by however many it is closed', async () => {
    const enrolments = Array.from({ length: 60 }, async (_, n) => {
      await app.get(Clock).sleep(n % 7);
      return keys.create(tenant, `template-${100 + n}`);
    });
    await Promise.all([close(), close(), close().then(() => close())]);
    const enrolled = await Promise.all(enrolments);
    await close();
    const opened = await Promise.all(enrolled.map((_, n) => keys.open(tenant, `template-${100 + n}`)));
    expect(opened.map((key, n) => enrolled[n] && key?.equals(enrolled[n]))).toEqual(enrolled.map(() => true));
    expect(await livingOpen()).toEqual([true, true, true]);
    expect(await keyService.generations(tenant)).toHaveLength(1);
  });
});
