import { z } from 'zod';

/** The most that one page of any list has. */
export const pageMax = 200;

/** How many a page is to have, as it stands in a query: 50 where nothing is said. */
export const PageLimit = z
  .string()
  .regex(/^\d{1,3}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(pageMax))
  .default(50);
