import mongoose, { type mongo } from 'mongoose';
import type { TenantId } from '#lib/core';
import type { StoredDocument } from '#lib/ports';

const textMax = 200;

/** A document as MongoDB has it. Its body is JSON text: what comes back is what was given, whatever its field names are. */
export interface Written {
  /** Tenant, collection and id with a slash between: in the order of ids within a collection. */
  readonly _id: string;
  readonly tenant: string;
  readonly collection: string;
  readonly key: string;
  readonly sequence: number;
  readonly body: string;
  readonly bytes?: mongo.Binary;
  /** Names the `create` that made it, which so knows its own document again when its answer was lost. */
  readonly made?: mongo.ObjectId;
}

/** What a removed document of a view leaves for a while: nothing older is put in its place. */
export interface Stone {
  readonly _id: string;
  readonly tenant: string;
  readonly collection: string;
  /** How far the view had come that removed it. */
  readonly sequence: number;
  readonly removedAt: Date;
}

/** One collection of a tenant's, and where everything in it lies. */
export class Shelf {
  private readonly prefix: string;
  /** Above the place of every document here. */
  readonly end: string;

  /** @throws RangeError when the name of the collection would not tell its documents from those of another one */
  constructor(
    readonly tenant: TenantId,
    readonly collection: string,
  ) {
    if (collection.includes('/')) throw new RangeError('the name of a collection has no slash');
    this.prefix = `${tenant}/${collection}/`;
    this.end = `${tenant}/${collection}0`;
  }

  placeOf(id: string): string {
    return this.prefix + id;
  }

  /** @throws RangeError when its id or key is too long */
  written({ id, key, sequence, body, bytes }: StoredDocument): Written {
    for (const text of [id, key]) {
      if (text.length > textMax) throw new RangeError(`ids and keys have at most ${textMax} characters`);
    }
    const { tenant, collection } = this;
    const document = { _id: this.placeOf(id), tenant, collection, key, sequence, body: JSON.stringify(body) };
    return bytes ? { ...document, bytes: new mongoose.mongo.Binary(bytes) } : document;
  }

  stone(id: string, sequence: number, removedAt: Date): Stone {
    const { tenant, collection } = this;
    return { _id: this.placeOf(id), tenant, collection, sequence, removedAt };
  }

  /** Undefined for a stone. */
  document<Body>(found: Written | Stone): StoredDocument<Body> | undefined {
    if ('removedAt' in found) return undefined;
    const { _id, key, sequence, body, bytes } = found;
    const document = { id: _id.slice(this.prefix.length), key, sequence, body: JSON.parse(body) as Body };
    // With memory of its own, as the driver's answer is one buffer for many documents.
    return bytes ? { ...document, bytes: Uint8Array.from(bytes.value()) } : document;
  }
}
