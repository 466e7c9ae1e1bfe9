import { ask, type Door } from './door.js';

const keyLifeMs = 10 * 60_000;

/**
 * Does something in a tenant that needs a role: with the key given, or with one that is issued for this alone, ends by
 * itself and is revoked afterwards. The log shows who looked, on the command line as anywhere else.
 */
export async function acting<T>(
  door: Door,
  { tenant, role, adminKey, key }: { tenant: string; role: string; adminKey: string; key: string | undefined },
  now: Date,
  act: (key: string) => Promise<T>,
): Promise<T> {
  if (key) return act(key);
  const keys = `/v1/tenants/${tenant}/keys`;
  const body = { role, label: 'command line', expiresAt: new Date(now.getTime() + keyLifeMs).toISOString() };
  const issued = await ask<{ keyId: string; key: string }>(door, { method: 'POST', path: keys, key: adminKey, body });
  try {
    return await act(issued.key);
  } finally {
    await ask(door, { method: 'DELETE', path: `${keys}/${issued.keyId}`, key: adminKey });
  }
}
