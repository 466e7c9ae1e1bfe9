import { octets } from './body-parsers.js';
import { idempotencyHeader } from './idempotency-key.js';

/** The value routes name to be for plain bytes: `constraints: { body: bytesAlone }`. */
export const bytesAlone = 'bytes';

interface Headers {
  readonly 'content-type'?: string | undefined;
  readonly [idempotencyHeader]?: string | string[] | undefined;
}

/**
 * A constraint of the router by which a route of fastify's own may stand beside one of Nest's at the same path, for
 * requests that are nothing but bytes: no JSON, and no `Idempotency-Key` to be honoured. All others go to Nest's.
 */
export const bytesConstraint = {
  name: 'body',
  storage() {
    const handlers = new Map<unknown, never>();
    return {
      get: (value: unknown) => handlers.get(value) ?? null,
      set: (value: unknown, handler: never) => {
        handlers.set(value, handler);
      },
    };
  },
  deriveConstraint: ({ headers }: { readonly headers: Headers }) =>
    headers['content-type'] === octets && headers[idempotencyHeader] === undefined ? bytesAlone : undefined,
  validate(value: unknown): void {
    if (value !== bytesAlone) throw new Error(`a body is ${bytesAlone}, or not constrained`);
  },
  mustMatchWhenDerived: false,
};
