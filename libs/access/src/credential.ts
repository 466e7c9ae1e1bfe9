import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { type ActorId, TenantId, Uuid, uuidFromHex } from '#lib/core';
import type { KeyService, Random } from '#lib/ports';

/** What is shown at the door: an API key, the code of a link, or the token of a patient's session. */
export type CredentialKind = 'lethe' | 'lethe-link' | 'lethe-me';

/** Where the right is recorded, and the secret that proves it. */
export interface Credential {
  readonly kind: CredentialKind;
  readonly tenant: TenantId;
  readonly id: string;
  readonly secret: string;
}

const shape = /^(?<kind>lethe|lethe-link|lethe-me)_(?<tenant>[^_]+)_(?<id>[^_]+)_(?<secret>[A-Za-z0-9_-]{43})$/;

/** The prefix lets a scanner for leaked secrets know one when it sees one. */
export const textOf = ({ kind, tenant, id, secret }: Credential) => `${kind}_${tenant}_${id}_${secret}`;

export function parseCredential(text: string): Credential | undefined {
  const { kind, tenant, id, secret = '' } = shape.exec(text)?.groups ?? {};
  const [known, uuid] = [TenantId.safeParse(tenant), Uuid.safeParse(id)];
  if (!known.success || !uuid.success) return undefined;
  return { kind: kind as CredentialKind, tenant: known.data, id: uuid.data, secret };
}

/** What a credential is made of. */
export interface Making {
  readonly kind: CredentialKind;
  readonly tenant: TenantId;
  /** For whom, and by which `Idempotency-Key` they ask; without one every call makes another. */
  readonly actor: ActorId;
  readonly attempt: string | undefined;
}

/**
 * Makes a credential: of chance, or where the caller may ask again, of what they ask with and a secret of the tenant.
 * So the repeat of a request whose answer was lost is answered the same, although the secret is stored nowhere.
 */
export async function makeCredential(making: Making, keys: KeyService, random: Random): Promise<Credential> {
  const { kind, tenant, actor, attempt } = making;
  if (attempt === undefined) {
    return { kind, tenant, id: random.uuid(), secret: random.bytes(32).toString('base64url') };
  }
  const key = await keys.secret(tenant, `credential/${kind}`);
  const derived = (part: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([part, actor, attempt]))
      .digest();
  return { kind, tenant, id: uuidOf(derived('id')), secret: derived('secret').toString('base64url') };
}

/** All that is stored of a secret. Nobody guesses 32 random bytes, so that a slow hash would only slow down requests. */
export const hashOf = (secret: string) => hash('sha256', secret, 'hex');

/** Takes as long for a wrong secret as for the right one. */
export const isSecretOf = (known: string, secret: string) =>
  timingSafeEqual(Buffer.from(known, 'hex'), hash('sha256', secret, 'buffer'));

/** As RFC 9562 has it for bytes of one's own making: version 8. */
function uuidOf(bytes: Buffer): string {
  const id = Buffer.from(bytes.subarray(0, 16));
  id.writeUInt8(0x80 | (id.readUInt8(6) & 0x0f), 6);
  id.writeUInt8(0x80 | (id.readUInt8(8) & 0x3f), 8);
  return uuidFromHex(id.toString('hex'));
}
