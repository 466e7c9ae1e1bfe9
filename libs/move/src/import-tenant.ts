import { timingSafeEqual } from 'node:crypto';
import type { TenantId } from '#lib/core';
import type { StoredDocument, TakeOver } from '#lib/ports';
import { checkMoveFile } from './check-move-file.js';
import { differencesOf } from './differences.js';
import { digestOf } from './export-tenant.js';
import { HistoryAppender } from './history-appender.js';
import { MoveFileReader } from './move-file-reader.js';
import {
  type CarriedKey,
  type CarriedPosition,
  type CarriedRecord,
  documentOf,
  type EndOf,
  type Header,
} from './move-line.js';
import { MoveRefused } from './move-refused.js';
import { patientSide } from './patience.js';
import { carried, type Side, type TellProgress } from './side.js';
import { Standing } from './standing.js';

const batchMax = 200;
/** Keys under way at once: each is two calls of the key table. */
const keyBatchMax = 50;
const batchBytesMax = 4 << 20;

export interface Imported {
  readonly tenant: TenantId;
  readonly head: number;
  readonly keys: number;
  readonly records: number;
  /** The hash of the history as it stands here now, read back: the same as the export said. */
  readonly history: string;
  /** Events that this run appended; the others stood here before. */
  readonly appended: number;
  /** Whether it had been imported before, and is in use: then nothing was done. */
  readonly wasHere: boolean;
}

/**
 * Brings a tenant in from a file. It is in use from the last step on and not before: until its keys are admitted, nobody
 * reads or writes it. So a crash anywhere leaves a tenant that is not in use, and the same file goes on from there.
 * @throws MoveRefused, HandOverRefused when the file is not whole, not for here, or another history stands here: before
 * anything was changed. Also when a store fails on the way: then the message says to import again.
 */
export async function importTenant(to: Side, file: string, tell: TellProgress): Promise<Imported> {
  const side = patientSide(to);
  let standing: Standing | undefined;
  const { header, end } = await checkMoveFile(file, tell, async ({ tenant }) => {
    standing = await Standing.of(side, tenant);
    return standing;
  });
  const { tenant, head } = header;
  const { keys, records, history } = end;
  if (isHere(header, standing as Standing)) {
    // What the last one may have left of it.
    await side.keys.admit(tenant);
    return { tenant, head, keys, records, history, appended: 0, wasHere: true };
  }
  const importing = new Importing(side, header, await takenOver(side, header, end), tell);
  let appended = await importing.run(file, end);
  const found = await differencesOf(side, tenant, end, tell);
  if (found.history) throw new MoveRefused(`what stands here of ${tenant} is not the history in the file`);
  if (found.sealed) {
    // Of an earlier hand-over: what the file does not know goes, and the rest is put again.
    await importing.clear();
    appended += await importing.run(file, end);
    const left = await differencesOf(side, tenant, end, tell);
    if (left.history || left.sealed) throw new MoveRefused(`somebody else writes to ${tenant}: import the file again`);
  }
  await side.keys.admit(tenant);
  return { tenant, head, keys, records, history, appended, wasHere: false };
}

/** Whether all of it was imported before. @throws MoveRefused when what stands here is no beginning of the file */
function isHere({ tenant, head }: Header, { hasKeys, differsAt, head: headHere }: Standing): boolean {
  if (differsAt !== undefined) {
    throw new MoveRefused(`there is another tenant ${tenant} here: its history differs from event ${differsAt} on`);
  }
  if (hasKeys && headHere < head) {
    const why = headHere === 0 ? 'it was registered, but has no history' : `its history ends at ${headHere}`;
    throw new MoveRefused(`the tenant ${tenant} is in use here already, and is not what the file holds: ${why}`);
  }
  if (!hasKeys && headHere > head) {
    throw new MoveRefused(`the file holds ${tenant} up to ${head}, but a later export was begun with: import that one`);
  }
  return hasKeys;
}

async function takenOver({ keys }: Side, { tenant, handOver }: Header, end: EndOf): Promise<TakeOver> {
  const taking = await keys.takeOver(tenant, Buffer.from(handOver, 'base64'));
  if (timingSafeEqual(taking.tag(digestOf(end)), Buffer.from(end.tag, 'hex'))) return taking;
  throw new MoveRefused('the file was altered since the keys in it were sealed: export again, and keep it safe');
}

/** One way through the file: first all that is sealed, then the log, so that no fact ever stands here without its keys. */
class Importing {
  private keys: CarriedKey[] = [];
  private records: CarriedRecord[] = [];
  private recordsLength = 0;
  private done = 0;

  constructor(
    private readonly side: Side,
    private readonly header: Header,
    private readonly taking: TakeOver,
    private readonly tell: TellProgress,
  ) {}

  /** Answers how many events it appended. What is there already is kept, so it may run again. */
  async run(file: string, end: EndOf): Promise<number> {
    const { tenant } = this.header;
    const standing = await this.side.store.head(tenant);
    const appender = new HistoryAppender(this.side.store, tenant, this.side.clock);
    const reader = await MoveFileReader.open(file);
    this.done = 0;
    try {
      for await (const { line } of reader.lines()) {
        if ('key' in line) await this.key(line.key);
        else if ('record' in line) await this.record(line.record);
        else if ('position' in line) await this.position(line.position);
        else {
          await this.flush();
          if (line.event.sequence <= standing) appender.skip(line.event);
          else await appender.add(line.event);
        }
        this.done += 1;
        if (this.done % batchMax === 0) this.told(end);
      }
      await this.flush();
      await appender.end();
      this.told(end);
      if (reader.end.tag !== end.tag) throw new MoveRefused(`${file} changed while it was read: import it again`);
      return this.header.head - standing;
    } finally {
      await reader.close();
    }
  }

  /** Removes what is sealed of the tenant here. It is not in use, so nobody misses it. */
  async clear(): Promise<void> {
    const { tenant } = this.header;
    const { table } = this.side;
    for (const { place, collection } of carried) await this.side[place].clear(tenant, collection);
    for (;;) {
      const page = await table.below(tenant, Number.MAX_SAFE_INTEGER, '', batchMax);
      if (page.length === 0) return;
      await table.erase(
        tenant,
        page.map(({ keyId }) => keyId),
      );
    }
  }

  private told({ keys, records, events }: EndOf): void {
    this.tell({ what: 'importing', done: this.done, total: keys + records + events });
  }

  private async key(key: CarriedKey): Promise<void> {
    this.keys.push(key);
    if (this.keys.length >= keyBatchMax) await this.flushKeys();
  }

  private async record(record: CarriedRecord): Promise<void> {
    await this.flushKeys();
    const [first] = this.records;
    const isSame = first?.place === record.place && first.collection === record.collection;
    const isFull = this.records.length >= batchMax || this.recordsLength >= batchBytesMax;
    if (!isSame || isFull) await this.flushRecords();
    this.records.push(record);
    this.recordsLength += record.bytes?.length ?? 0;
  }

  private async position({ place, collection, position }: CarriedPosition) {
    await this.flush();
    await this.side[place].write(this.header.tenant, { collection, puts: [], removes: [], position });
  }

  private async flush(): Promise<void> {
    await this.flushKeys();
    await this.flushRecords();
  }

  private async flushKeys(): Promise<void> {
    if (this.keys.length === 0) return;
    const { tenant } = this.header;
    const { table } = this.side;
    const wanted = await Promise.all(
      this.keys.map(async ({ keyId, sealed }) => {
        const [bytes, there] = [Buffer.from(sealed, 'base64'), await table.get(tenant, keyId)];
        return { keyId, bytes, there, isKept: there !== undefined && (await this.taking.holds(there, bytes)) };
      }),
    );
    const stale = wanted.filter(({ there, isKept }) => there && !isKept).map(({ keyId }) => keyId);
    if (stale.length > 0) await table.erase(tenant, stale);
    const missing = wanted.filter(({ isKept }) => !isKept);
    // None may be under way when it fails: whoever imports again would meet it.
    const puts = missing.map(async ({ keyId, bytes }) => table.put(tenant, await this.taking.wrap(keyId, bytes)));
    for (const put of await Promise.allSettled(puts)) if (put.status === 'rejected') throw put.reason;
    this.keys = [];
  }

  private async flushRecords(): Promise<void> {
    const [first] = this.records;
    if (!first) return;
    const puts: StoredDocument[] = this.records.map(documentOf);
    await this.side[first.place].write(this.header.tenant, { collection: first.collection, puts, removes: [] });
    [this.records, this.recordsLength] = [[], 0];
  }
}
