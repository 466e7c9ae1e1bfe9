import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { FirstKey } from '#lib/access';
import { KeyService, KeysUnavailable, Views } from '#lib/ports';
import { createApi } from '../../apps/api/src/api.js';
import { TestClock } from '../support/clock.js';
import { family } from '../support/family.js';
import type { Opened } from '../support/family-of-adapters.js';

describe('readiness', () => {
  let clock: TestClock;
  let opened: Opened;
  let app: NestFastifyApplication;
  const read = (path: string) => request(app.getHttpServer()).get(path);
  const states = (body: { dependencies: { name: string; state: string }[] }) =>
    body.dependencies.filter(({ state }) => state === 'down').map(({ name }) => name);

  beforeEach(async () => {
    clock = new TestClock();
    opened = await family.open(clock);
    app = await createApi(opened.adapters, { publicUrl: 'https://lethe.example' });
    app.useLogger(false);
  });
  afterEach(async () => {
    await app.close();
    await opened.drop();
  });
  const start = async () => {
    await app.init();
    await app.get(FirstKey).issue((text) => text);
    await app.listen(0, '127.0.0.1');
  };

  it('ends when keys cannot be read, says so by name', async () => {
    await start();
    await read('/readyz').expect(200);
    app.get(KeyService).check = () => Promise.reject(new KeysUnavailable('away'));
    const { body, type, headers } = await read('/readyz').expect(503);
    expect(type).toBe('application/problem+json');
    expect(body).toMatchObject({ type: 'urn:lethe:problem:http.not-ready', status: 503 });
    expect([states(body), headers['retry-after']]).toEqual([['keys'], '1']);
    await read('/healthz').expect(200);
  });

  it('ends when a view is behind and comes no further', async () => {
    const take = () => Promise.reject(new Error('stuck'));
    app.get(Views).add({ name: 'stuck', position: () => 0, take, clear: () => Promise.resolve() });
    await start();
    await read('/readyz').expect(200);
    clock.advance(11_000);
    expect(states((await read('/readyz').expect(503)).body)).toEqual(['feed']);
    expect((await read('/metrics')).text).toMatch(/^lethe_view_lag_events\{view="stuck"\} 1$/m);
  });
});
