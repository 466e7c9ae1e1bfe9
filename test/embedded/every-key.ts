import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteDocuments, SqliteKeyTable } from '#lib/adapters-embedded';
import type { TenantId } from '#lib/core';
import { dataKeyBytes, keyBinding, open, suite, templateBinding, unwrapKey } from '#lib/envelope';
import type { KeyEntry, StoredDocument } from '#lib/ports';

/** A format byte and the number of the tenant's key version stand before the record of a wrapped key. */
const headBytes = 5;
const every = { from: '', below: '~', limit: 1_000 };
const generationsMax = 1_000_000_000;

/** All that lies in the vault file of a folder, or of what is left of one. */
export async function recordsIn(folder: string, tenant: TenantId): Promise<readonly StoredDocument[]> {
  const vault = new SqliteDocuments(join(folder, 'vault.db'), 'vault');
  const records = await vault.range(tenant, 'templates', every);
  await vault.close();
  return records;
}

/** All that lies in the file of its key table. */
export async function entriesIn(folder: string, tenant: TenantId): Promise<readonly KeyEntry[]> {
  const table = new SqliteKeyTable(join(folder, 'keys.db'));
  const entries = await table.below(tenant, generationsMax, '', 1_000);
  await table.close();
  return entries;
}

/** What whoever has the whole folder has: its root key, and every 32 bytes of what opens under that, key or not. */
export class KeysLeft {
  /** Those that begin where keys do: at whole keys from the end. */
  private readonly whole: KeyObject[] = [];
  private readonly all: KeyObject[];

  constructor(folder: string) {
    const hex = /[0-9a-f]{64}/.exec(readFileSync(join(folder, 'root.key'), 'latin1'))?.[0] ?? '';
    const root = createSecretKey(hex, 'hex');
    const binding = keyBinding({ tenant: 'operator', keyId: 'keys.sealed', kekId: 'root-1' });
    const opened = open(root, readFileSync(join(folder, 'keys.sealed')), binding);
    if (!opened.ok) throw new Error(`keys.sealed does not open: ${opened.reason}`);
    const { plaintext } = opened;
    const keyAt = (at: number) => createSecretKey(plaintext.subarray(at, at + dataKeyBytes));
    for (let at = plaintext.length - dataKeyBytes; at >= 0; at -= dataKeyBytes) this.whole.push(keyAt(at));
    const places = Array.from({ length: plaintext.length - dataKeyBytes + 1 }, (_, at) => at);
    this.all = [root, ...places.map(keyAt)];
  }

  /**
   * Tries every key that is left on every entry, wherever it lies, as it is and joined with every other; then these keys
   * and all that the entries gave away on the records. Answers, by id, what opened.
   */
  opens(tenant: TenantId, entries: readonly KeyEntry[], records: readonly Opening[]): Map<string, Buffer> {
    const dataKeys = entries.flatMap((entry) => this.unwrapped(tenant, entry));
    const opened = new Map<string, Buffer>();
    for (const { id, bytes, subject, purpose, template, model } of records) {
      const binding = templateBinding({ tenant, subject, purpose, template, model, suite, keyId: id });
      for (const key of [...this.all, ...dataKeys]) {
        const tried = open(key, bytes, binding);
        if (tried.ok) opened.set(template, tried.plaintext);
      }
    }
    return opened;
  }

  private unwrapped(tenant: TenantId, { keyId, generation, wrapped }: KeyEntry): KeyObject[] {
    const version = Buffer.from(wrapped).readUInt32BE(1);
    const place = `${version}/${generation}`;
    const binding = keyBinding({ tenant, keyId, kekId: place });
    const pairs = this.whole.flatMap((one) => this.whole.map((other) => joined(one, other, `${tenant}/${place}`)));
    return [...this.all, ...pairs].flatMap((kek) => unwrapKey(kek, wrapped.subarray(headBytes), binding) ?? []);
  }
}

/** A sealed template, and what it is bound to. */
export interface Opening {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly subject: string;
  readonly purpose: string;
  readonly template: string;
  readonly model: string;
}

/** How the embedded family makes a wrapping key of a version and a generation. */
const joined = (version: KeyObject, generation: KeyObject, place: string): KeyObject => {
  const together = Buffer.concat([version.export(), generation.export()]);
  const info = `lethe/wrapping/v1/${place}`;
  return createSecretKey(new Uint8Array(hkdfSync('sha256', together, '', info, dataKeyBytes)));
};
