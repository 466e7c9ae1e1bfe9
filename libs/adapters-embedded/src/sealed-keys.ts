import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { replaceFile, scrubLeftovers, writeFirst } from '#lib/adapters-system';
import { keyBinding, nonceBytes, open, plaintextBytesMax, seal } from '#lib/envelope';
import { KeysUnavailable, type Random } from '#lib/ports';
import { assertPrivate } from './private-file.js';
import { type AllKeys, decodeKeys, encodeKeys, noKeys } from './tenant-keys.js';

const binding = keyBinding({ tenant: 'operator', keyId: 'keys.sealed', kekId: 'root-1' });

/** All keys of all tenants in one file, sealed under the root key, read at start and replaced whole at every change. */
export class SealedKeys {
  constructor(
    private readonly file: string,
    private readonly root: KeyObject,
    private readonly random: Random,
  ) {}

  /** Without a tenant, where there is no such file. Blocks: for the first start only. */
  makeFirst(): void {
    try {
      writeFirst(this.file, this.sealed(noKeys));
    } catch (error) {
      throw this.unwritable(error);
    }
  }

  /**
   * At start: what a crash left of a replacement is overwritten.
   * @throws KeysUnavailable when the file is missing, open to others, damaged, or sealed under another root key
   */
  read(): AllKeys {
    if (!existsSync(this.file)) {
      throw new KeysUnavailable(`${this.file} is missing, but there are data that it opens: put a copy of it back`);
    }
    assertPrivate(this.file);
    try {
      scrubLeftovers(this.file);
    } catch (error) {
      throw this.unwritable(error);
    }
    let sealed: Buffer;
    try {
      sealed = readFileSync(this.file);
    } catch (error) {
      throw this.unreadable(error);
    }
    return this.opened(sealed);
  }

  /** Whether what lies there now could be read at a start. @throws KeysUnavailable as `read` */
  async check(): Promise<void> {
    let sealed: Buffer;
    try {
      sealed = await readFile(this.file);
    } catch (error) {
      throw this.unreadable(error);
    }
    this.opened(sealed);
  }

  /** Durable once it resolved, and what it replaced overwritten. @throws KeysUnavailable when it cannot be written */
  async replace(all: AllKeys): Promise<void> {
    const sealed = this.sealed(all);
    try {
      await replaceFile(this.file, sealed);
    } catch (error) {
      throw this.unwritable(error);
    }
  }

  private sealed(all: AllKeys): Buffer {
    const plaintext = encodeKeys(all);
    try {
      if (plaintext.length <= plaintextBytesMax) {
        return seal(this.root, plaintext, binding, this.random.bytes(nonceBytes));
      }
    } finally {
      plaintext.fill(0);
    }
    throw new KeysUnavailable(
      `${this.file} is full: there are too many tenants, versions and generations for one file`,
    );
  }

  private opened(sealed: Buffer): AllKeys {
    const opened = open(this.root, sealed, binding);
    if (!opened.ok) {
      throw new KeysUnavailable(
        `${this.file} does not open under the root key (${opened.reason}): put back the root key it was sealed under, or a copy of the file`,
      );
    }
    try {
      return decodeKeys(opened.plaintext);
    } catch (error) {
      throw new KeysUnavailable(`${this.file} opens, but was made by another release`, { cause: error });
    }
  }

  private unreadable(cause: unknown): KeysUnavailable {
    return new KeysUnavailable(`${this.file} cannot be read: see to its permissions`, { cause });
  }

  private unwritable(cause: unknown): KeysUnavailable {
    if (cause instanceof KeysUnavailable) return cause;
    return new KeysUnavailable(`${this.file} cannot be written: see to the disk and the permissions`, { cause });
  }
}
