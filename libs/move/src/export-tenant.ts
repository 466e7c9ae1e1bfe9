import { createHash, type Hash } from 'node:crypto';
import { operator, type TenantId } from '#lib/core';
import type { HandOver, KeyEntry } from '#lib/ports';
import { MoveFileWriter } from './move-file-writer.js';
import { canonical, eventBytes, recordOf, type Sums } from './move-line.js';
import { MoveRefused } from './move-refused.js';
import { patientSide } from './patience.js';
import { carried, pagesOf, type Side, type TellProgress } from './side.js';
import type { TransferKey } from './transfer-key.js';

const keyPageMax = 500;
const eventPageMax = 1_000;

export interface Exported {
  readonly tenant: TenantId;
  /** The position that the file holds the tenant at. */
  readonly head: number;
  readonly keys: number;
  /** Entries of the key table that no key opens any more: left behind. */
  readonly noise: number;
  readonly records: number;
  /** The hash of the history, to be compared with what the import says. */
  readonly history: string;
}

/**
 * Writes a tenant to a file, as it stands: its log, what is sealed beside it, and its keys, sealed to the key service it
 * moves to. Nothing in the file opens without that one. Memory is bounded, and nothing is changed here.
 *
 * What is sealed and the log are not read at one instant, so nobody may write meanwhile: whoever did is noticed.
 * @throws MoveRefused when there is no such tenant, it was written to meanwhile, or the file cannot be written; then there
 * is no file
 */
export async function exportTenant(from: Side, to: TransferKey, file: string, tell: TellProgress): Promise<Exported> {
  const side = patientSide(from);
  const { tenant, publicKey } = to;
  const head = await side.store.head(tenant);
  if (tenant === operator) throw new MoveRefused('the operator’s own tenant stays where it is');
  if (head === 0) throw new MoveRefused(`there is no tenant ${tenant} here`);
  const before = await side.keys.generations(tenant);
  const hand = await side.keys.handOver(tenant, publicKey);
  const writer = await MoveFileWriter.begin(file);
  try {
    await writer.write(headerOf(tenant, head, hand));
    const exporting = new Exporting(side, tenant, writer, tell);
    const { keys, noise } = await exporting.keys(hand, (before.at(-1) ?? 0) + 1);
    const { records, vault } = await exporting.records();
    const history = await exporting.events(head);
    const after = await side.keys.generations(tenant);
    if ((await side.store.head(tenant)) !== head || after.join() !== before.join()) {
      throw new MoveRefused(`${tenant} was written to meanwhile: keep everybody away from it, then export again`);
    }
    const sums: Sums = { keys, records, events: head, history, vault, lines: writer.digest() };
    await writer.write({ end: { ...sums, tag: Buffer.from(hand.tag(digestOf(sums))).toString('hex') } });
    await writer.end();
    return { tenant, head, keys, noise, records, history };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** What the tag in the last line is over: through the hash of the lines, everything. */
export const digestOf = ({ keys, records, events, history, vault, lines }: Sums): Uint8Array =>
  createHash('sha256').update(canonical({ keys, records, events, history, vault, lines })).digest();

const headerOf = (tenant: TenantId, head: number, { sealed }: HandOver) => ({
  lethe: 'move',
  version: 1,
  tenant,
  head,
  hash: 'SHA-256',
  handOver: base64(sealed),
});

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/** The parts of a file, one after the other. */
class Exporting {
  constructor(
    private readonly side: Side,
    private readonly tenant: TenantId,
    private readonly writer: MoveFileWriter,
    private readonly tell: TellProgress,
  ) {}

  async keys(hand: HandOver, below: number): Promise<{ keys: number; noise: number }> {
    const { table } = this.side;
    const total = await table.count(this.tenant);
    let [keys, noise] = [0, 0];
    for (let page: readonly KeyEntry[] = []; ; ) {
      page = await table.below(this.tenant, below, page.at(-1)?.keyId ?? '', keyPageMax);
      const sealed = await Promise.all(page.map((entry) => hand.seal(entry)));
      for (const [n, { keyId }] of page.entries()) {
        const carriedKey = sealed[n];
        if (carriedKey) await this.writer.write({ key: { keyId, sealed: base64(carriedKey) } });
        if (carriedKey) keys += 1;
        else noise += 1;
      }
      this.tell({ what: 'keys', done: keys + noise, total });
      if (page.length < keyPageMax) return { keys, noise };
    }
  }

  async records(): Promise<{ records: number; vault: string }> {
    const hash = createHash('sha256');
    let records = 0;
    for (const each of carried) {
      records += await this.collection(each, hash);
      const position = await this.side[each.place].position(this.tenant, each.collection);
      const { place, collection } = each;
      if (position > 0) await this.writer.write({ position: { place, collection, position } });
    }
    return { records, vault: hash.digest('hex') };
  }

  private async collection(each: (typeof carried)[number], hash: Hash): Promise<number> {
    let records = 0;
    for await (const page of pagesOf(this.side, this.tenant, each)) {
      for (const document of page) {
        const record = recordOf(each, document);
        await this.writer.write({ record });
        if (each.isCompared) hash.update(canonical(record));
      }
      records += page.length;
      this.tell({ what: `${each.collection}`, done: records, total: records });
    }
    return records;
  }

  async events(head: number): Promise<string> {
    const hash = createHash('sha256');
    for (let done = 0; done < head; ) {
      const page = await this.side.store.readLog(this.tenant, done, Math.min(eventPageMax, head - done));
      for (const event of page) {
        done += 1;
        if (event.sequence !== done) throw new MoveRefused(`the log of ${this.tenant} has a gap: run \`lethe doctor\``);
        hash.update(eventBytes(event));
        await this.writer.write({ event });
      }
      if (page.length === 0) throw new MoveRefused(`the log of ${this.tenant} ends at ${done}: run \`lethe doctor\``);
      this.tell({ what: 'events', done, total: head });
    }
    return hash.digest('hex');
  }
}
