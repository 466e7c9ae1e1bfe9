import type { Role } from '#lib/core';

/** Who may read what a hospital's policy says: those who answer for it, and those who must show it to patients. */
export const readers: readonly Role[] = ['dpo', 'auditor', 'backend', 'registrar'];
