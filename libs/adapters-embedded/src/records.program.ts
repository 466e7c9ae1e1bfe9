import type { DatabaseSync } from 'node:sqlite';
import type { NewRecord, Program, RecordUnit } from './writer-protocol.js';

// Loaded by the writer's thread by its own URL, as source too: it may import nothing but types and Node's modules.

type Place = { readonly slot: number; readonly length: number; readonly sequence: number };

/**
 * Keeps records whose content can be overwritten where it lies, and lies nowhere else.
 *
 * SQLite's `secure_delete` overwrites what is deleted, but not what it moved before: when rows are deleted, inserted or
 * grow, pages are filled anew, and copies of rows that went to another page stay in the free part of the old one (about
 * one in ten thousand could be read after it was deleted). So content is never moved: it has a slot of its own, slots are
 * appended in order, are never deleted and never change their size, and a free one is zeros until it is used again.
 */
export function open(db: DatabaseSync): Program<RecordUnit, number> {
  const find = db.prepare('SELECT slot, length, sequence FROM record WHERE tenant = ? AND collection = ? AND id = ?');
  const all = db.prepare('SELECT slot, length, sequence FROM record WHERE tenant = ? AND collection = ?');
  const insert = db.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)');
  const update = db.prepare(
    'UPDATE record SET key = ?, sequence = ?, slot = ?, length = ? WHERE tenant = ? AND collection = ? AND id = ?',
  );
  const remove = db.prepare('DELETE FROM record WHERE tenant = ? AND collection = ? AND id = ?');
  const removeAll = db.prepare('DELETE FROM record WHERE tenant = ? AND collection = ?');
  const slots = slotsOf(db);
  const positions = {
    get: db.prepare('SELECT position FROM position WHERE tenant = ? AND collection = ?'),
    set: db.prepare('INSERT INTO position VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET position = excluded.position'),
    remove: db.prepare('DELETE FROM position WHERE tenant = ? AND collection = ?'),
  };

  const put = ({ tenant, collection, over = 'any' }: RecordUnit, { id, key, sequence, content }: NewRecord): number => {
    const found = find.get(tenant, collection, id) as Place | undefined;
    if (over === 'nothing' && found) return 0;
    if (over === 'older' && (!found || found.sequence >= sequence)) return 0;
    if (!found) {
      insert.run(tenant, collection, id, key, sequence, slots.store(content), content.length);
      return 1;
    }
    const slot = slots.replace(found, content);
    update.run(key, sequence, slot, content.length, tenant, collection, id);
    return 1;
  };

  return {
    run(unit) {
      const { tenant, collection, notAbove, clear, removes = [], puts = [], position, raises } = unit;
      const at = (positions.get.get(tenant, collection)?.position as number | undefined) ?? 0;
      if (notAbove !== undefined && at > notAbove) return -1;
      if (clear) {
        for (const place of all.all(tenant, collection)) slots.free(place as Place);
        removeAll.run(tenant, collection);
        positions.remove.run(tenant, collection);
      }
      for (const id of removes) {
        const found = find.get(tenant, collection, id) as Place | undefined;
        if (found) slots.free(found);
        if (found) remove.run(tenant, collection, id);
      }
      let count = 0;
      for (const record of puts) count += put(unit, record);
      if (position !== undefined && !(raises && position <= at)) positions.set.run(tenant, collection, position);
      return count;
    },
    rolledBack() {},
  };
}

/** Sizes of slots: few enough that a free one is used again, close enough that little is wasted (16 bytes, or an eighth). */
function sizeFor(length: number): number {
  const step = Math.max(16, 2 ** (28 - Math.clz32(Math.max(length - 1, 0))));
  return Math.max(1, Math.ceil(length / step)) * step;
}

function slotsOf(db: DatabaseSync) {
  const append = db.prepare('INSERT INTO slot (content) VALUES (?)');
  // As long as what was there: SQLite then overwrites it in its place.
  const overwrite = db.prepare('UPDATE slot SET content = ? WHERE slot = ?');
  const zero = db.prepare('UPDATE slot SET content = zeroblob(?) WHERE slot = ?');
  const find = db.prepare('SELECT slot FROM free WHERE size = ? LIMIT 1');
  const give = db.prepare('INSERT INTO free VALUES (?, ?)');
  const take = db.prepare('DELETE FROM free WHERE size = ? AND slot = ?');

  const filled = (content: Uint8Array, size: number) => {
    const whole = new Uint8Array(size);
    whole.set(content);
    return whole;
  };
  const store = (content: Uint8Array): number => {
    const size = sizeFor(content.length);
    const slot = find.get(size)?.slot as number | undefined;
    if (slot === undefined) return Number(append.run(filled(content, size)).lastInsertRowid);
    take.run(size, slot);
    overwrite.run(filled(content, size), slot);
    return slot;
  };
  const free = ({ slot, length }: Place): void => {
    const size = sizeFor(length);
    zero.run(size, slot);
    give.run(size, slot);
  };
  const replace = (place: Place, content: Uint8Array): number => {
    const size = sizeFor(content.length);
    if (size === sizeFor(place.length)) {
      overwrite.run(filled(content, size), place.slot);
      return place.slot;
    }
    free(place);
    return store(content);
  };
  return { store, free, replace };
}
