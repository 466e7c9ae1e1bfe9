import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { keyBinding, nonceBytes, open, seal } from '#lib/envelope';
import { KeysUnavailable, type Random } from '#lib/ports';
import { replaceFile } from './replaced-file.js';

const Secret = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);
const Numbered = z.record(z.string().regex(/^\d{1,9}$/), Secret);

/** The keys of one tenant, each 32 bytes in base64: versions of its key, generations, secret and seed of the signing key. */
const TenantKeys = z.strictObject({
  versions: Numbered,
  generations: Numbered,
  secret: Secret,
  /** PKCS #8, in base64. */
  signing: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/),
});
export type TenantKeys = z.output<typeof TenantKeys>;

const Content = z.strictObject({ format: z.literal(1), tenants: z.record(z.string().max(63), TenantKeys) });
export type AllKeys = Readonly<Record<string, TenantKeys>>;

const binding = keyBinding({ tenant: 'operator', keyId: 'keys.sealed', kekId: 'root-1' });

/** All keys of all tenants in one file, sealed under the root key, read at start and replaced whole at every change. */
export class SealedKeys {
  constructor(
    private readonly file: string,
    private readonly root: KeyObject,
    private readonly random: Random,
  ) {}

  static isIn(file: string): boolean {
    return existsSync(file);
  }

  /** @throws KeysUnavailable when the file is there and does not open: it is never taken for an empty one */
  read(): AllKeys {
    if (!existsSync(this.file)) return {};
    const opened = open(this.root, this.bytes(), binding);
    if (!opened.ok) {
      throw new KeysUnavailable(
        `${this.file} does not open under the root key (${opened.reason}): put back the root key it was sealed under, or a copy of the file`,
      );
    }
    try {
      return Content.parse(JSON.parse(opened.plaintext.toString('utf8'))).tenants;
    } catch (error) {
      throw new KeysUnavailable(`${this.file} opens, but was made by another release`, { cause: error });
    } finally {
      opened.plaintext.fill(0);
    }
  }

  /** Durable once it returns, and what it replaced overwritten. @throws KeysUnavailable when it cannot be written */
  write(tenants: AllKeys): void {
    const plaintext = Buffer.from(JSON.stringify({ format: 1, tenants }));
    const sealed = seal(this.root, plaintext, binding, this.random.bytes(nonceBytes));
    plaintext.fill(0);
    try {
      replaceFile(this.file, sealed);
    } catch (error) {
      throw new KeysUnavailable(`${this.file} cannot be written: see to the disk and its permissions`, {
        cause: error,
      });
    }
  }

  private bytes(): Buffer {
    try {
      return readFileSync(this.file);
    } catch (error) {
      throw new KeysUnavailable(`${this.file} cannot be read: see to its permissions`, { cause: error });
    }
  }
}
