import { Body, type CanActivate, Controller, type ExecutionContext, Module, Post } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { z } from 'zod';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { ActorId, Refusal, TenantId } from '#lib/core';
import { type CallerRequest, HttpModule, Idempotent, readBodies, Writes } from '#lib/http';
import { Documents, KeyService, StoreUnavailable, Vault } from '#lib/ports';
import { TestClock } from '../../../test/support/clock.js';
import { StoredAnswers } from './contract.js';
import { IdempotencyModule } from './index.js';

const Told = z.object({ count: z.int().max(1_000), said: z.string().max(100) });
const tenant = TenantId.parse('here');

/** How often the routes ran, what they do next, and a gate for the slow one. */
const work = { runs: 0, refuse: false, fail: false, begun: () => {}, gate: Promise.resolve() };

class AsAsked implements CanActivate {
  canActivate(context: ExecutionContext) {
    const asked = context.switchToHttp().getRequest<CallerRequest & { headers: { 'x-actor'?: string } }>();
    asked.caller = { tenant, actor: ActorId.parse(asked.headers['x-actor'] ?? 'nurse') };
    return true;
  }
}

@Controller()
class Routes {
  @Post('told')
  @Idempotent()
  @Writes([201, 200], Told)
  async tell(@Body() { said }: { said: string }) {
    work.begun();
    await work.gate;
    work.runs++;
    if (work.fail) throw new StoreUnavailable();
    if (work.refuse) throw new Refusal('test.no', 'conflict', 'No');
    return { position: 40 + work.runs, recorded: true, answer: { count: work.runs, said, secret: 'inside' } };
  }

  @Post('other')
  @Idempotent()
  @Writes([200])
  other() {
    work.runs++;
    return { position: 1, recorded: true, answer: undefined };
  }
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a repeat', () => {
  let app: NestFastifyApplication;
  let clock: TestClock;

  beforeEach(async () => {
    Object.assign(work, { runs: 0, refuse: false, fail: false, begun: () => {}, gate: Promise.resolve() });
    clock = new TestClock();
    @Module({
      imports: [IdempotencyModule, HttpModule, EmbeddedAdapters.inTemporaryFolder(clock)],
      controllers: [Routes],
      providers: [{ provide: APP_GUARD, useClass: AsAsked }],
    })
    class Things {}
    const adapter = new FastifyAdapter();
    app = await NestFactory.create<NestFastifyApplication>(Things, adapter, { logger: false, bodyParser: false });
    readBodies(adapter);
    await app.listen(0, '127.0.0.1');
    await app.get(KeyService).provision(tenant);
  });
  afterEach(() => app.close());

  const send = (said: unknown, { key = 'one', path = '/told', actor = 'nurse' } = {}) =>
    request(app.getHttpServer())
      .post(path)
      .set({ 'x-actor': actor, ...(key && { 'idempotency-key': key }) })
      .send({ said });
  const gated = () => {
    let open = () => {};
    work.gate = new Promise((resolve) => {
      open = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      work.begun = resolve;
    });
    return { open, begun };
  };
  const problem = (code: string) => ({ type: `urn:lethe:problem:${code}` });

  it('is answered as the first time, status, position and body, and nothing runs', async () => {
    const first = await send('hello').expect(201);
    expect(first.body).toEqual({ count: 1, said: 'hello' });
    const again = await send('hello').expect(201);
    expect([again.text, again.get('lethe-position'), again.type]).toEqual([first.text, '41', first.type]);
    expect(work.runs).toBe(1);
  });

  it('of an answer without a body has none', async () => {
    for (let n = 0; n < 2; n++) expect((await send('x', { path: '/other' }).expect(200)).text).toBe('');
    expect(work.runs).toBe(1);
  });

  it('is one for the same caller, route and key only', async () => {
    await send('hello').expect(201);
    await send('hello', { key: 'two' }).expect(201);
    await send('hello', { actor: 'doctor' }).expect(201);
    await send('hello', { path: '/other' }).expect(200);
    await send('hello', { key: '' }).expect(201);
    await send('hello', { key: '' }).expect(201);
    expect(work.runs).toBe(6);
  });

  it('with another body is refused', async () => {
    await send('hello').expect(201);
    const { body } = await send('goodbye').expect(422);
    expect(body).toMatchObject(problem('idempotency.key-reused'));
    const embedding = (data: string) => ({ embedding: { data } });
    await send(embedding('AAAA'), { path: '/other' }).expect(200);
    await send(embedding('AAAB'), { path: '/other' }).expect(422);
  });

  it('while the first one runs is told to wait', async () => {
    const { open, begun } = gated();
    const first = send('hello').then((answer) => answer);
    await begun;
    const early = await send('hello').expect(409);
    expect([early.body.type, early.get('retry-after')]).toEqual(['urn:lethe:problem:idempotency.in-use', '1']);
    open();
    expect((await first).status).toBe(201);
    await send('hello').expect(201);
    expect(work.runs).toBe(1);
  });

  it('runs when the first one died, and of many such repeats one does', async () => {
    const { open, begun } = gated();
    const dead = send('hello').then((answer) => answer);
    await begun;
    clock.advance(31_000);
    const others = Promise.all(Array.from({ length: 6 }, async () => (await send('hello')).status));
    await new Promise((resolve) => setTimeout(resolve, 200));
    open();
    expect((await others).sort((one, other) => one - other)).toEqual([201, 409, 409, 409, 409, 409]);
    await dead;
    expect(work.runs).toBe(2);
  });

  it('runs when the first one was refused', async () => {
    work.refuse = true;
    await send('hello').expect(409);
    work.refuse = false;
    await send('hello').expect(201);
    expect(work.runs).toBe(2);
  });

  it('of what failed is not waited for by who hears that it failed', async () => {
    work.fail = true;
    app.get(StoredAnswers).drop = () => new Promise(() => {});
    await send('hello').expect(503);
  });

  it('runs when the first one failed', async () => {
    work.fail = true;
    await send('hello').expect(503);
    work.fail = false;
    await until(async () => (await send('hello')).status === 201);
    expect(work.runs).toBe(2);
  });

  it('runs after a day, whatever it says, and the sweep leaves nothing', async () => {
    await send('hello').expect(201);
    clock.advance(24 * 3_600_000 + 1_000);
    await send('goodbye').expect(201);
    expect(work.runs).toBe(2);
    clock.advance(24 * 3_600_000 + 1_000);
    const answers = app.get(StoredAnswers);
    expect(await answers.sweep(tenant, clock.now())).toBeGreaterThan(0);
    const all = { from: '', below: '9', limit: 10 };
    expect(await app.get(Documents).range(tenant, 'answers', all)).toEqual([]);
  });

  it('leaves nothing to read in the store', async () => {
    await send('a thing that was said', { key: 'a-key-of-mine' }).expect(201);
    const stored = await app.get(Documents).range(tenant, 'answers', { from: '', below: '9', limit: 10 });
    expect(stored).toHaveLength(1);
    const bytes = Buffer.from(stored[0]?.bytes ?? []);
    expect(bytes.length).toBeGreaterThan(0);
    for (const text of [JSON.stringify(stored), bytes.toString('latin1')]) {
      expect(text).not.toMatch(/thing that was said|key-of-mine|nurse|told|inside/);
    }
    expect(await app.get(Vault).range(tenant, 'answers', { from: '', below: '9', limit: 10 })).toEqual([]);
  });

  it('with a key that cannot be is refused before it runs', async () => {
    for (const key of ['x'.repeat(201), 'two words']) {
      const { body } = await send('hello', { key }).expect(422);
      expect(body.errors).toEqual([{ path: 'idempotency-key', code: 'invalid_format' }]);
    }
    expect(work.runs).toBe(0);
  });
});
