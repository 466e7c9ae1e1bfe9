import { z } from 'zod';

/** 2,048 coordinates of four bytes. */
const dataMaxBytes = 8_192;
const base64MaxChars = Math.ceil(dataMaxBytes / 3) * 4;

const isBytes = (value: unknown) => Object.prototype.toString.call(value) === '[object Uint8Array]';

/** Bytes that the body's parser took out of the base64 of a request; overwritten once the request is answered. */
const Bytes = z
  .custom<Uint8Array>(isBytes, { params: { code: 'invalid_type' } })
  .refine((bytes) => !isBytes(bytes) || bytes.byteLength <= dataMaxBytes, { params: { code: 'too_big' } })
  .meta({ type: 'string', contentEncoding: 'base64', maxLength: base64MaxChars });

/**
 * An embedding in a JSON body: coordinates as little-endian f32, in base64. Its place in a body is `embedding`, at the
 * top. Whoever keeps `data` past the answer keeps zeros.
 */
export const EmbeddingIn = z
  .strictObject({
    encoding: z.literal('f32le-base64'),
    dim: z
      .int()
      .min(1)
      .max(dataMaxBytes / 4),
    data: Bytes,
  })
  .meta({ id: 'EmbeddingIn' });
export type EmbeddingIn = z.output<typeof EmbeddingIn>;
