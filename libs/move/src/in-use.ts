import type { TenantId } from '#lib/core';
import { type KeyService, KeysUnavailable } from '#lib/ports';

/**
 * Whether a tenant has its keys here: one that is on its way in from elsewhere has none yet, and where keys cannot be read
 * at all nobody has any.
 */
export async function isInUse(keys: KeyService, tenant: TenantId): Promise<boolean> {
  try {
    await keys.generations(tenant);
    return true;
  } catch (error) {
    if (error instanceof KeysUnavailable) return false;
    throw error;
  }
}
