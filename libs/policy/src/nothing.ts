import { z } from 'zod';

/** The body of a request that says all in its path: an empty object, or none. */
export const Nothing = z.strictObject({}).optional();
export type Nothing = z.output<typeof Nothing>;
