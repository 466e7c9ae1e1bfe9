import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TenantId } from '#lib/core';
import { MoveRefused } from './move-refused.js';

const keyBytes = 32;

const Written = z.strictObject({
  lethe: z.literal('transfer-key'),
  version: z.literal(1),
  tenant: TenantId,
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});

/** The public key that a tenant's keys are sealed to, as it goes from the side that receives to the one that exports. */
export interface TransferKey {
  readonly tenant: TenantId;
  readonly publicKey: Uint8Array;
}

export const transferKeyText = ({ tenant, publicKey }: TransferKey): string =>
  `${JSON.stringify({ lethe: 'transfer-key', version: 1, tenant, publicKey: Buffer.from(publicKey).toString('base64url') })}\n`;

/** @throws MoveRefused when it is something else */
export function transferKeyFrom(text: string): TransferKey {
  const written = Written.safeParse(parsed(text));
  const publicKey = Buffer.from(written.data?.publicKey ?? '', 'base64url');
  if (!written.success || publicKey.length !== keyBytes) {
    throw new MoveRefused('this is no transfer key: make one with `lethe receive` where the tenant is to go');
  }
  return { tenant: written.data.tenant, publicKey };
}

/** For two people to compare by telephone: whoever put another key in its place would get the tenant's keys. */
export const fingerprintOf = ({ publicKey }: TransferKey): string =>
  (createHash('sha256').update(publicKey).digest('hex').slice(0, 32).match(/.{4}/g) ?? []).join('-');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
