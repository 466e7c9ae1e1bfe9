import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { EmbeddedAdapters } from '#lib/adapters-embedded';
import { createApi } from '../../apps/api/src/api.js';

/** Of this family only: its keys lie in a file, which can be broken under it. */
describe('readiness', () => {
  let folder: string;
  let app: NestFastifyApplication;
  const read = (path: string) => request(app.getHttpServer()).get(path);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-'));
    app = await createApi(EmbeddedAdapters.inFolder({ folder }));
    app.useLogger(false);
    await app.init();
    await app.listen(0, '127.0.0.1');
  });
  afterEach(async () => {
    await app.close();
    rmSync(folder, { recursive: true });
  });

  it('ends when the sealed keys cannot be read', async () => {
    await read('/readyz').expect(200);
    writeFileSync(join(folder, 'keys.sealed'), 'broken');
    const { body } = await read('/readyz').expect(503);
    expect(body.dependencies).toContainEqual(expect.objectContaining({ name: 'keys', state: 'down' }));
    await read('/healthz').expect(200);
  });
});
