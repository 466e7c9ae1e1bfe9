import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { ActorId, TenantId } from '#lib/core';
import { Generations } from '#lib/keys/contract';
import { Clock, EventStore, KeyService, Random, Streams } from '#lib/ports';
import { TestClock } from '../../../test/support/clock.js';
import { subjectId } from '../../../test/support/consent.js';
import { purposeId } from '../../../test/support/policy.js';
import { templateId, templateTerms } from '../../../test/support/templates.js';
import { ErasureSaga, type TemplateName } from './erasure-saga.js';
import { type ErasureStore, ErasureStores, type Prober } from './erasure-stores.js';
import {
  type Template,
  TemplateEnrolled,
  TemplateErasureBegun,
  TemplateStream,
  templateKey,
} from './template.stream.js';

const tenant = TenantId.parse('here');
const caller = { tenant, actor: ActorId.parse('backend') };
const name = { templateId, subjectId, purposeId } as unknown as TemplateName;
const storeNames = ['key-table', 'vault', 'matchers', 'views'];
const stepNames = ['destroy-key', 'delete-ciphertext', 'evict', 'scrub'] as const;

/** Lets nobody wait: pauses between passes are over at once. */
class HastyClock extends TestClock {
  override async sleep(): Promise<void> {}
}

/** A store that may fail to erase, or keep what it says it erased. Counts what it was asked. */
class Store {
  holds = true;
  isBroken = false;
  isLying = false;
  isBlind = false;
  asked: () => void = () => undefined;

  constructor(
    readonly store: string,
    readonly step: ErasureStore['step'],
  ) {}

  pair(): [ErasureStore, Prober] {
    const { store, step } = this;
    const erase = async () => {
      this.asked();
      if (this.isBroken) throw new Error('out of reach');
      if (!this.isLying) this.holds = false;
      return { outcome: 'done' as const };
    };
    const probe = async () => {
      this.asked();
      if (this.isBlind) throw new Error('out of reach');
      return this.holds ? ('present' as const) : ('absent' as const);
    };
    return [
      { store, step, erase },
      { store, probe },
    ];
  }
}

describe('the erasure of a template', () => {
  let app: INestApplicationContext;
  let streams: Streams;
  let stores: Store[];

  beforeEach(async () => {
    app = await NestFactory.createApplicationContext(
      {
        module: class Adapters {},
        imports: [CqrsModule.forRoot(), EmbeddedAdapters.inTemporaryFolder(new HastyClock())],
      },
      { logger: false },
    );
    await app.get(KeyService).provision(tenant);
    streams = new Streams(app.get(EventStore), app.get(Clock), app.get(Random));
    stores = storeNames.map((store, n) => new Store(store, stepNames[n] ?? 'evict'));
    await streams.change(caller, TemplateStream, templateKey(name), () => [
      TemplateEnrolled(templateTerms),
      TemplateErasureBegun({ templateId, subjectId, purposeId, trigger: 'requested' }),
    ]);
  });
  afterEach(() => app.close());

  const sagaOver = (pairs = stores.map((store) => store.pair())) => {
    const registry = new ErasureStores();
    for (const pair of pairs) registry.add(...pair);
    const generations = new Generations(app.get(KeyService), streams, app.get(EventStore), app.get(CommandBus));
    return new ErasureSaga(streams, registry, generations, app.get(Clock));
  };
  const template = async () => {
    const { state } = await streams.load(tenant, TemplateStream, templateKey(name));
    return state[0] as Template;
  };
  const stepsOf = ({ steps }: Template) => steps.map(({ step, store, outcome }) => `${step} ${store} ${outcome}`);
  const whole = [
    ...storeNames.map((store, n) => `${stepNames[n]} ${store} done`),
    ...storeNames.map((store) => `probe ${store} absent`),
  ];

  it('is whole when every eraser did its work and every prober found nothing', async () => {
    await expect(sagaOver().run(tenant, name)).resolves.toBe(true);
    expect(await template()).toMatchObject({ state: 'erased', trigger: 'requested', generation: 1 });
    expect(stepsOf(await template())).toEqual(whole);
  });

  it.each(storeNames)(
    'goes on in the other stores while %s is out of reach, and ends when it is back',
    async (broken) => {
      const store = stores.find((each) => each.store === broken) as Store;
      store.isBroken = true;
      await expect(sagaOver().run(tenant, name)).resolves.toBe(false);
      const before = await template();
      expect(before.state).toBe('erasing');
      expect(stepsOf(before)).toEqual(whole.slice(0, 4).filter((step) => !step.includes(broken)));
      expect(stores.filter(({ holds }) => holds)).toEqual([store]);

      store.isBroken = false;
      await expect(sagaOver().run(tenant, name)).resolves.toBe(true);
      expect((await template()).state).toBe('erased');
      expect(stepsOf(await template()).sort()).toEqual([...whole].sort());
    },
  );

  it.each([
    ['still finds something in', 'isLying'],
    ['cannot look into', 'isBlind'],
  ] as const)('is not believed where a prober %s a store', async (_, flaw) => {
    for (const store of stores) {
      store[flaw] = true;
      await expect(sagaOver().run(tenant, name)).resolves.toBe(false);
      expect((await template()).state).toBe('erasing');
      expect(stepsOf(await template()).filter((step) => step.startsWith('probe'))).toEqual([]);
      store[flaw] = false;
      for (const each of stores) each.holds = true;
    }
    await expect(sagaOver().run(tenant, name)).resolves.toBe(true);
    expect(stepsOf(await template()).sort()).toEqual([...whole].sort());
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('goes on after a stop at what would have been call %i to a store', async (last) => {
    let calls = 0;
    const dying = sagaOver();
    for (const store of stores) {
      store.asked = () => {
        calls += 1;
        if (calls < last) return;
        void dying.close();
        throw new Error('stopped');
      };
    }
    await expect(dying.run(tenant, name)).resolves.toBe(false);
    expect((await template()).state).toBe('erasing');

    for (const store of stores) store.asked = () => undefined;
    await expect(sagaOver().run(tenant, name)).resolves.toBe(true);
    expect(stores.some(({ holds }) => holds)).toBe(false);
    expect((await template()).state).toBe('erased');
    expect(stepsOf(await template()).sort()).toEqual([...whole].sort());
  });

  it('records each step once, however many are at it', async () => {
    const [one, another] = [sagaOver(), sagaOver()];
    const runs = [one.run(tenant, name), one.run(tenant, name), another.run(tenant, name)];
    expect(await Promise.all(runs)).toEqual([true, true, true]);
    await expect(one.run(tenant, name)).resolves.toBe(true);
    expect(stepsOf(await template())).toEqual(whole);
  });

  it('leaves what nobody asked to be erased', async () => {
    const other = { ...name, purposeId: 'elsewhere' } as unknown as TemplateName;
    await streams.change(caller, TemplateStream, templateKey(other), () => [
      TemplateEnrolled({ ...templateTerms, purposeId: 'elsewhere' }),
    ]);
    await expect(sagaOver().run(tenant, other)).resolves.toBe(false);
    expect(stores.every(({ holds }) => holds)).toBe(true);
  });
});
