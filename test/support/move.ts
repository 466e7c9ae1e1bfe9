import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { SealedFileKeyService, SqliteDocuments, SqliteEventStore, SqliteKeyTable } from '#lib/adapters-embedded';
import { SystemClock, SystemRandom } from '#lib/adapters-system';
import { TenantId } from '#lib/core';
import type { Side } from '#lib/move';
import { type EventStore, type StoredEvent, StoreUnavailable } from '#lib/ports';
import { chance } from './chance.js';

/** Who moves in the specs. */
export const tenant = TenantId.parse('here');
export const quiet = () => undefined;
export const at = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
export const keyIds = ['subject-1', 'template-1', 'template-2'];
const collections = [
  ['vault', 'templates'],
  ['vault', 'pending'],
  ['documents', 'references'],
  ['documents', 'answers'],
] as const;

/** A side of the embedded family, open. */
export interface OpenSide extends Side {
  readonly close: () => Promise<void>;
}

export function openSide(folder: string): OpenSide {
  const file = (name: string) => join(folder, name);
  const store = new SqliteEventStore(file('events.db'));
  const vault = new SqliteDocuments(file('vault.db'), 'vault');
  const documents = new SqliteDocuments(file('views.db'), 'views');
  const table = new SqliteKeyTable(file('keys.db'));
  const settings = { file: file('keys.sealed'), rootKeyFile: file('root.key'), holdsData: false };
  const keys = new SealedFileKeyService(settings, new SystemRandom());
  const close = async () => {
    for (const each of [store, vault, documents, table]) await each.close();
  };
  return { store, vault, documents, table, keys, clock: new SystemClock(), close };
}

/** The same side, whose writes go wrong now and then: not done, or done and the answer lost. */
export function troubled(side: Side): Side {
  const random = chance(1);
  const writes = new Set(['append', 'put', 'write', 'get', 'readLog']);
  const wrapped = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function' || !writes.has(String(name))) return value;
        return async (...args: unknown[]) => {
          const trouble = random();
          if (trouble < 0.1) throw new StoreUnavailable();
          const answer: unknown = await value.apply(target, args);
          if (trouble < 0.2) throw new StoreUnavailable();
          return answer;
        };
      },
    });
  const { store, vault, documents, table } = side;
  const ports = { store: wrapped(store), vault: wrapped(vault), documents: wrapped(documents), table: wrapped(table) };
  return { ...side, ...ports };
}

/** The same side, until so many more writes were asked for, or the last of all: from then on none is done. `isLate`: that one still is. */
export function dying(side: Side, at: number | 'admit', isLate: boolean): Side {
  let left = at === 'admit' ? Number.POSITIVE_INFINITY : at;
  const writes = new Set(['append', 'put', 'erase', 'write', 'clear', 'takeOver', 'admit']);
  const wrapped = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (name === at) left = 0;
          if (writes.has(String(name)) && left-- <= 0) {
            const isDone = isLate;
            isLate = false;
            if (isDone) await value.apply(target, args);
            throw new Error('the process is gone');
          }
          return value.apply(target, args);
        };
      },
    });
  const { store, vault, documents, table, keys, clock } = side;
  return {
    clock,
    store: wrapped(store),
    vault: wrapped(vault),
    documents: wrapped(documents),
    table: wrapped(table),
    keys: wrapped(keys),
  };
}

/** A little tenant: three streams, of which two change together, keys, records and what is beside the log. */
export async function settle(side: Side): Promise<void> {
  await side.keys.provision(tenant);
  await side.keys.openGeneration(tenant);
  for (const [n, keyId] of keyIds.entries()) {
    await side.table.put(tenant, await side.keys.wrap(tenant, keyId, new Uint8Array(32).fill(n + 1)));
  }
  const document = (id: string, key: string, bytes?: Uint8Array) => ({
    id,
    key,
    sequence: 0,
    body: { of: key },
    ...(bytes && { bytes }),
  });
  const puts = keyIds.slice(1).map((id, n) => document(id, `t${2 - n}`, new Uint8Array(70).fill(0xa0 + n)));
  await side.vault.write(tenant, { collection: 'templates', puts, removes: [] });
  await side.vault.write(tenant, { collection: 'pending', puts: [document('template-2', at(1))], removes: [] });
  const references = { puts: [document('f00d', 'f00d')], removes: [], position: 1 };
  await side.documents.write(tenant, { collection: 'references', ...references });
  await side.documents.write(tenant, { collection: 'answers', puts: [document('a1', at(3))], removes: [] });
  await go(side.store, 1, 40);
}

/** Facts of three streams in turn, some of them two at an instant. */
export async function go(store: EventStore, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) {
    const stream = `s-${n % 3}`;
    const { length: expected } = await store.read(tenant, stream);
    const event = () => ({
      id: randomUUID(),
      type: 'spec.done',
      version: 1,
      data: { b: [n, 'ä🙂'], a: { 10: 1.5, 9: null } },
      at: at(n),
      actor: 'spec',
    });
    await store.append({ tenant, stream, expected, events: n % 5 === 0 ? [event(), event()] : [event()] });
  }
}

export async function stands(side: Side) {
  const log: StoredEvent[] = [];
  for (let page = await side.store.readLog(tenant, 0, 500); page.length > 0; ) {
    log.push(...page);
    page = await side.store.readLog(tenant, log.length, 500);
  }
  const records: unknown[] = [];
  for (const [place, collection] of collections) {
    const found = await side[place].range(tenant, collection, { from: '', below: '~', limit: 500 });
    records.push(...found.map((document) => JSON.stringify({ collection, ...document })));
    records.push(await side[place].position(tenant, collection));
  }
  return { log: log.map((event) => JSON.stringify(event)), records };
}

export async function opens(side: Side) {
  const keys = keyIds.map(async (keyId) => {
    const entry = await side.table.get(tenant, keyId);
    return entry && (await side.keys.unwrap(tenant, entry))?.export()[0];
  });
  const [kid, secret] = [(await side.keys.publicKeys(tenant))[0]?.kid, await side.keys.secret(tenant, 'x')];
  return { keys: await Promise.all(keys), kid, secret: secret.export().toString('hex') };
}
