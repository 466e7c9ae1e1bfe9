import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiHeader } from '@nestjs/swagger';
import { z } from 'zod';
import { Invalid } from './invalid.js';

/** Names an attempt of a caller, so that sending it again is answered as the first time (draft-ietf-httpapi-idempotency-key). */
export const idempotencyHeader = 'idempotency-key';

const Key = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/)
  .optional();

/**
 * How a repeat gets the first answer: `stored`, sealed, for a day; or `derived`, where it is made again from the key
 * itself, because it tells a secret that is to be stored nowhere.
 */
type Repeats = 'stored' | 'derived';

/** What honours the header reads of a route. */
export const IdempotentRoute = Reflector.createDecorator<Repeats>();

/** A POST that may be sent again: with the same `Idempotency-Key` and the same body it is answered as the first time. */
export const Idempotent = (repeats: Repeats = 'stored') =>
  applyDecorators(
    IdempotentRoute(repeats),
    ApiHeader({ name: idempotencyHeader, required: false, schema: { type: 'string', minLength: 1, maxLength: 200 } }),
  );

/** @throws Invalid when it is not 1 to 200 visible ASCII characters */
export function idempotencyKeyOf(headers: Readonly<Record<string, unknown>>): string | undefined {
  const { success, data } = Key.safeParse(headers[idempotencyHeader]);
  if (!success) throw new Invalid([{ path: [idempotencyHeader], code: 'invalid_format' }]);
  return data;
}

/** The key of this attempt; undefined for a caller who does not mind doing it twice. */
export const FromIdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext) =>
  idempotencyKeyOf(context.switchToHttp().getRequest().headers),
);
