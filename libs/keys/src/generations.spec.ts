import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { ActorId, operator, TenantId } from '#lib/core';
import { type Clock, EventStore, KeyService, Random, Streams } from '#lib/ports';
import { TestClock } from '../../../test/support/clock.js';
import { Generations } from './generations.js';
import { KeysModule } from './keys.module.js';
import { RotateTenantKey } from './rotate-tenant-key.js';

const tenant = TenantId.parse('here');
const caller = { tenant, actor: ActorId.parse('operator') };
const dayMs = 24 * 60 * 60 * 1_000;

/** The feature over the embedded family. */
function keysOver(clock: Clock): Promise<INestApplicationContext> {
  const streams = {
    provide: Streams,
    useFactory: (store: EventStore, random: Random) => new Streams(store, clock, random),
    inject: [EventStore, Random],
  };
  const imports = [CqrsModule.forRoot(), EmbeddedAdapters.inTemporaryFolder(clock), KeysModule];
  const whole = { module: class Whole {}, global: true, imports, providers: [streams], exports: [streams] };
  return NestFactory.createApplicationContext(whole, { logger: false });
}

describe('generations', () => {
  let app: INestApplicationContext;
  let clock: TestClock;
  let keyService: KeyService;
  let generations: Generations;
  /** Leaves a fact in the tenant's log. */
  let rotate: () => Promise<unknown>;

  beforeEach(async () => {
    clock = new TestClock();
    app = await keysOver(clock);
    [keyService, generations] = [app.get(KeyService), app.get(Generations)];
    await keyService.provision(tenant);
    rotate = () => app.get(CommandBus).execute(new RotateTenantKey(caller));
  });
  afterEach(() => app.close());

  const closeIfDue = async () => (await generations.closeIfDue(tenant, clock.now()))?.generation;

  it('are closed a day after the tenant began, and then every day that something happened', async () => {
    expect(await closeIfDue()).toBeUndefined();
    await rotate();
    expect(await closeIfDue()).toBeUndefined();
    clock.advance(dayMs);
    expect(await closeIfDue()).toBe(1);
    expect(await closeIfDue()).toBeUndefined();
    expect(await generations.openGeneration(tenant)).toBe(2);
    expect(await generations.effectiveErasureAt(tenant, 1)).toEqual(expect.any(String));
    expect(await generations.effectiveErasureAt(tenant, 2)).toBeUndefined();

    clock.advance(dayMs);
    expect(await closeIfDue()).toBeUndefined();
    await app.get(EventStore).append({
      tenant,
      stream: 'other-1',
      expected: 0,
      events: [{ type: 'other.happened', version: 1, data: {}, id: 'e-1', at: clock.now().toISOString(), actor: 'x' }],
    });
    expect(await closeIfDue()).toBe(2);
  });

  it('that were left half-way are closed whether due or not', async () => {
    await rotate();
    await keyService.openGeneration(tenant);
    expect(await closeIfDue()).toBe(2);
    expect(await keyService.generations(tenant)).toEqual([3]);
  });

  it('are no matter of the operator, who has no keys', async () => {
    expect(await generations.closeIfDue(operator, clock.now())).toBeUndefined();
  });
});

describe('a new tenant key', () => {
  it('leaves a fact with its version', async () => {
    const app = await keysOver(new TestClock());
    await app.get(KeyService).provision(tenant);
    await app.get(CommandBus).execute(new RotateTenantKey(caller));
    const [fact] = await app.get(EventStore).readLog(tenant, 0, 1);
    expect(fact).toMatchObject({ type: 'keys.tenant-key-rotated', data: { keyVersion: 2 } });
    await app.close();
  });
});
