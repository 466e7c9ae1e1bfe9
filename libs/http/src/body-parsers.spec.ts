import { once } from 'node:events';
import { connect } from 'node:net';
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { z } from 'zod';
import { jsonMaxBytes, octetsMaxBytes, readBodies, TakesBytes } from './body-parsers.js';
import { EmbeddingIn } from './embedding.js';
import { HttpModule } from './http.module.js';

const Posted = z.strictObject({ embedding: EmbeddingIn, note: z.string().max(80).optional() });
const vector = Buffer.from(new Float32Array([0.5, -0.25, 0.125]).buffer);
const embedding = { encoding: 'f32le-base64', dim: 3, data: vector.toString('base64') };

/** What the routes were given last, and a gate for the slow one. */
const seen = { bytes: [] as Uint8Array[], atEnd: [] as number[], begun: () => {}, gate: Promise.resolve() };

@Controller()
class Routes {
  @Post('json')
  json(@Body({ schema: Posted }) { embedding: { data } }: z.output<typeof Posted>) {
    seen.bytes.push(data);
    return { sent: [...data] };
  }

  @Post('bytes')
  @TakesBytes(Posted)
  bytes(@Body() bytes: Uint8Array) {
    seen.bytes.push(bytes);
    return { sent: [...bytes], aligned: bytes.byteOffset % 4 === 0 };
  }

  @Post('slow')
  async slow(@Body({ schema: Posted }) { embedding: { data } }: z.output<typeof Posted>) {
    seen.bytes.push(data);
    seen.begun();
    await seen.gate;
    seen.atEnd = [...data];
    return {};
  }

  @Get('nothing')
  nothing() {
    return {};
  }
}

@Module({ imports: [HttpModule], controllers: [Routes] })
class Things {}

describe('bodies', () => {
  let app: NestFastifyApplication;
  const to = () => request(app.getHttpServer());
  const typeOf = (status: number, code: string) => ({ status, type: `urn:lethe:problem:http.${code}` });
  const overwritten = () => seen.bytes.every((bytes) => bytes.every((byte) => byte === 0));
  const settled = async () => {
    for (let n = 0; n < 200 && !overwritten(); n++) await new Promise((resolve) => setTimeout(resolve, 5));
    return overwritten();
  };

  beforeAll(async () => {
    const adapter = new FastifyAdapter();
    app = await NestFactory.create<NestFastifyApplication>(Things, adapter, { logger: false, bodyParser: false });
    readBodies(adapter);
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());
  beforeEach(() => {
    seen.bytes = [];
  });

  it('in JSON bring an embedding as bytes, which are gone after the answer', async () => {
    const { body } = await to().post('/json').send({ embedding, note: 'ü' }).expect(201);
    expect(body.sent).toEqual([...vector]);
    expect(seen.bytes).toHaveLength(1);
    expect(await settled()).toBe(true);
  });

  it('of bytes come whole and aligned, and are gone after the answer', async () => {
    const { body } = await to().post('/bytes').type('application/octet-stream').send(vector).expect(201);
    expect(body).toEqual({ sent: [...vector], aligned: true });
    expect(seen.bytes).toHaveLength(1);
    expect(await settled()).toBe(true);
  });

  it('stay as they are for a route that is at work when its caller leaves, and no longer', async () => {
    let open = () => {};
    seen.gate = new Promise((resolve) => {
      open = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      seen.begun = resolve;
    });
    const socket = connect(Number(new URL(await app.getUrl()).port), '127.0.0.1');
    const body = JSON.stringify({ embedding });
    socket.write(
      `POST /slow HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await begun;
    socket.destroy();
    await once(socket, 'close');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(overwritten()).toBe(false);
    open();
    expect(await settled()).toBe(true);
    expect(seen.atEnd).toEqual([...vector]);
  });

  it.each([
    ['larger than JSON may be', 413, 'too-large', 'application/json', 'x'.repeat(jsonMaxBytes + 1)],
    ['more bytes than may be', 413, 'too-large', 'application/octet-stream', 'x'.repeat(octetsMaxBytes + 1)],
    ['of no type we know', 415, 'not-json', 'text/csv', 'a,b'],
    ['of a type that cannot be', 415, 'not-json', 'json', '{}'],
    ['empty', 400, 'malformed', 'application/json', ''],
    ['of broken base64', 400, 'malformed', 'application/json', '{"embedding":{"data":"A"}}'],
  ])('that are %s are a %i', async (_, status, code, type, body) => {
    const path = type === 'application/octet-stream' ? '/bytes' : '/json';
    const answer = await to().post(path).set('content-type', type).send(body);
    expect(answer.body).toMatchObject(typeOf(status, code));
    expect(seen.bytes).toEqual([]);
  });

  it('that do not say how large they are end at the limit', async () => {
    const url = `${await app.getUrl()}/json`;
    const chunks = async function* () {
      for (let n = 0; n < 20; n++) yield Buffer.alloc(8_192, ' ');
    };
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: chunks(), duplex: 'half' };
    const answer = await fetch(url, init as unknown as RequestInit);
    expect(await answer.json()).toMatchObject(typeOf(413, 'too-large'));
  });

  it('far larger than may be are refused in words, and without end they are cut off', async () => {
    const url = `${await app.getUrl()}/bytes`;
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(4_000_000) });
    expect(await answer.json()).toMatchObject(typeOf(413, 'too-large'));
    const endless = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
    endless.write(
      'POST /bytes HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const closed = new Promise((resolve) => endless.once('close', resolve));
    for (let n = 0; n < 200 && !endless.destroyed; n++) {
      if (endless.write(piece)) continue;
      await Promise.race([closed, new Promise((resolve) => endless.once('drain', resolve))]);
    }
    await closed;
    expect(endless.bytesWritten).toBeLessThan(200 * piece.length);
  });

  it('without a type, and bytes where none are taken, are a 415', async () => {
    for (const headers of [{}, { 'content-type': 'application/octet-stream' }]) {
      const answer = await fetch(`${await app.getUrl()}/json`, { method: 'POST', headers, body: new Uint8Array(12) });
      expect(await answer.json()).toMatchObject(typeOf(415, 'not-json'));
    }
  });

  it('sent to nowhere are still a 404', async () => {
    for (const type of ['application/octet-stream', 'application/json']) {
      const { body } = await to().post('/nowhere').set('content-type', type).send('x'.repeat(100));
      expect(body).toMatchObject(typeOf(404, 'not-found'));
    }
  });

  it.each([
    ['no base64 text', { ...embedding, data: 7 }, 'embedding.data', 'invalid_type'],
    ['too many coordinates', { ...embedding, dim: 2_049 }, 'embedding.dim', 'too_big'],
    ['too much data', { ...embedding, data: 'AAAA'.repeat(2_731) }, 'embedding.data', 'too_big'],
    ['another encoding', { ...embedding, encoding: 'f64' }, 'embedding.encoding', 'invalid_value'],
  ])('with an embedding of %s do not fit', async (_, wrong, path, code) => {
    const { body } = await to().post('/json').send({ embedding: wrong }).expect(422);
    expect(body.errors).toEqual([{ path, code }]);
  });
});
