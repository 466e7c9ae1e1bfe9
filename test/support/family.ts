import { embedded } from './embedded-family.js';
import type { Family } from './family-of-adapters.js';

const { LETHE_FAMILY = 'embedded' } = process.env;
if (LETHE_FAMILY !== 'embedded' && LETHE_FAMILY !== 'cluster') throw new Error(`there is no family ${LETHE_FAMILY}`);

/** The family that specs run over: LETHE_FAMILY says which. */
export const family: Family = LETHE_FAMILY === 'cluster' ? (await import('./cluster-family.js')).cluster : embedded;
