import type { Readable } from 'node:stream';
import { applyDecorators, PayloadTooLargeException, UnsupportedMediaTypeException } from '@nestjs/common';
import { type FastifyAdapter, RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, type ApiBodyOptions, ApiConsumes } from '@nestjs/swagger';
import type { z } from 'zod';
import { Malformed, readJson } from './json-body.js';
import { type BytesRequest, RequestBytes } from './request-bytes.js';

export const jsonMaxBytes = 64 * 1024;
export const octetsMaxBytes = 16 * 1024;
/** How much of a body that is refused is read and thrown away, so that its sender comes to hear why. */
const discardMaxBytes = 8 * 1024 * 1024;

export const octets = 'application/octet-stream';

/**
 * A route whose body may be JSON of this schema, or bytes: it then is a Uint8Array, overwritten once the request is
 * answered. The route checks itself which of the two came.
 */
export const TakesBytes = (json: z.ZodType) => {
  // ApiBody hands on all it is given; only its type has not heard of schemas yet.
  const body: object = { standardSchema: json };
  return applyDecorators(
    RouteConfig({ takesBytes: true }),
    ApiConsumes('application/json', octets),
    ApiBody(body as ApiBodyOptions),
  );
};

interface Incoming extends BytesRequest {
  readonly headers: { readonly 'content-length'?: string | undefined };
  /** `config` is what `TakesBytes` wrote, where it did. */
  readonly routeOptions: { readonly config: object };
  readonly is404: boolean;
}

/**
 * Lets a server read JSON (64 KiB at most) and, where a route takes them, bytes (16 KiB at most), and nothing else. Of
 * what was read nothing stays when the request is over: neither the pieces that came, nor the whole, nor an embedding
 * that was taken out of it. One copy is out of reach: the last pieces in the read buffer of Node's HTTP parser, which
 * the next requests overwrite.
 */
export function readBodies(adapter: FastifyAdapter): void {
  const server = adapter.getInstance();
  server.removeAllContentTypeParsers();
  server.addHook('onRequest', (request: BytesRequest, { raw }, done) => {
    const bytes = new RequestBytes();
    request.bytes = bytes;
    // Comes when the answer was sent, and also when the caller has left before.
    raw.once('close', () => bytes.end());
    done();
  });
  server.addContentTypeParser('application/json', async (request: Incoming, payload: Readable) => {
    if (request.is404) return undefined;
    const bytes = await readWhole(request, payload, jsonMaxBytes, tooLarge);
    return readJson(bytes, (decoded) => request.bytes?.own(decoded));
  });
  server.addContentTypeParser(octets, async (request: Incoming, payload: Readable) => {
    if (request.is404) return undefined;
    const taken = 'takesBytes' in request.routeOptions.config;
    return taken ? readWhole(request, payload, octetsMaxBytes, tooLarge) : readWhole(request, payload, none, wrongType);
  });
  server.addContentTypeParser('*', async (request: Incoming, payload: Readable) =>
    request.is404 ? undefined : readWhole(request, payload, none, wrongType),
  );
}

const none = -1;
const tooLarge = () => new PayloadTooLargeException();
const wrongType = () => new UnsupportedMediaTypeException();

/**
 * The whole body, in a buffer of its own that the request owns. What it came in is overwritten already.
 * A body over the limit is refused, but read to its end where that is near, and thrown away: most callers look for an
 * answer only when they have sent everything, and would see a broken connection in its place.
 */
function readWhole(
  { headers, bytes }: Incoming,
  payload: Readable,
  maxBytes: number,
  refusal: () => Error,
): Promise<Uint8Array> {
  if (Number(headers['content-length']) > discardMaxBytes) throw refusal();
  let chunks: Uint8Array[] = [];
  let length = 0;
  const overwrite = () => {
    for (const chunk of chunks) chunk.fill(0);
    chunks = [];
  };
  return new Promise<Uint8Array>((resolve, reject) => {
    const collect = (chunk: Uint8Array) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) overwrite();
      if (length <= discardMaxBytes) return;
      // Whoever sends without an end hears nothing: the connection is all there is to take away.
      stop(refusal());
      payload.destroy();
    };
    const stop = (reason: Error) => {
      payload.off('data', collect);
      overwrite();
      reject(reason);
    };
    payload.on('data', collect);
    let isWhole = false;
    payload.once('end', () => {
      isWhole = true;
      if (length > maxBytes) return stop(refusal());
      const whole = new Uint8Array(length);
      bytes?.own(whole);
      let at = 0;
      for (const chunk of chunks) {
        whole.set(chunk, at);
        at += chunk.length;
      }
      overwrite();
      resolve(whole);
    });
    payload.once('error', () => stop(new Malformed()));
    // A caller who left. Making an error costs as much as a comparison, so none is made after the end.
    payload.once('close', () => {
      if (!isWhole) stop(new Malformed());
    });
  });
}
