import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { operator, TenantId } from '#lib/core';
import { at, dying, go, type OpenSide, quiet, stands, tenant } from '../../../test/support/move.js';
import { TwoSides } from '../../../test/support/two-sides.js';
import { exportTenant } from './export-tenant.js';
import { importTenant } from './import-tenant.js';

describe('a tenant that does not move', () => {
  let sides: TwoSides;
  beforeEach(async () => {
    sides = await TwoSides.open();
  });
  afterEach(() => sides.close());

  describe('is refused, and nothing of it is here,', () => {
    const refusal = async (act: Promise<unknown>) => {
      const error = (await act.catch((thrown: unknown) => thrown)) as Error;
      return `${error.name}: ${error.message.replace(sides.file, 'FILE')}`;
    };
    const nothing = async () => {
      expect((await stands(sides.to)).log).toEqual([]);
      expect((await stands(sides.to)).records).toEqual([0, 0, 0, 0]);
      expect(await sides.to.table.count(tenant)).toBe(0);
    };

    it('when the file was cut anywhere', async () => {
      await sides.exported();
      const whole = readFileSync(sides.file);
      for (const part of [0.1, 0.35, 0.6, 0.9, 0.999]) {
        writeFileSync(sides.file, whole.subarray(0, Math.floor(whole.length * part)));
        expect(await refusal(importTenant(sides.to, sides.file, quiet))).toMatch(
          /^MoveRefused: FILE is (cut short|no export)/,
        );
      }
      const lines = whole.toString().split('\n');
      writeFileSync(sides.file, `${lines.slice(0, -2).join('\n')}\n`);
      expect(await refusal(importTenant(sides.to, sides.file, quiet))).toMatch(/^MoveRefused: FILE is cut short/);
      await nothing();
    });

    it('when anything in it was altered, left out, doubled or put elsewhere', async () => {
      await sides.exported();
      const lines = readFileSync(sides.file, 'utf8').trimEnd().split('\n');
      const write = (edited: readonly string[]) => writeFileSync(sides.file, `${edited.join('\n')}\n`);
      for (let n = 1; n < lines.length - 1; n += 3) {
        const edits = [
          lines.with(
            n,
            (lines[n] as string).replace(/[0-9](?=[^0-9]*$)/, (digit) => `${(Number(digit) + 1) % 10}`),
          ),
          lines.toSpliced(n, 1),
          lines.toSpliced(n, 0, lines[n] as string),
          lines.with(n, lines[n + 1] as string).with(n + 1, lines[n] as string),
        ];
        for (const edited of edits) {
          write(edited);
          expect(await refusal(importTenant(sides.to, sides.file, quiet))).toMatch(
            /^MoveRefused: FILE (is not as it was|is in no|has a gap)/,
          );
        }
      }
      write([...lines, lines[1] as string]);
      expect(await refusal(importTenant(sides.to, sides.file, quiet))).toContain('something follows its end');
      await nothing();
    });

    it('when somebody altered it and made its hashes anew', async () => {
      await sides.exported();
      const lines = readFileSync(sides.file, 'utf8').trimEnd().split('\n');
      const forged = lines.slice(0, -1).map((line) => line.replace('"f00d","key"', '"beef","key"'));
      const end = JSON.parse(lines.at(-1) as string);
      end.end.lines = createHash('sha256')
        .update(`${forged.join('\n')}\n`)
        .digest('hex');
      writeFileSync(sides.file, `${[...forged, JSON.stringify(end)].join('\n')}\n`);
      expect(await refusal(importTenant(sides.to, sides.file, quiet))).toMatch(
        /^MoveRefused: the file was altered since/,
      );
      await nothing();
    });

    it('when it is sealed to another installation, or awaited no more', async () => {
      await sides.exported(sides.open());
      expect(await refusal(importTenant(sides.to, sides.file, quiet))).toBe(
        'HandOverRefused: no keys of here are awaited here',
      );
      await sides.to.keys.receive(tenant);
      expect(await refusal(importTenant(sides.to, sides.file, quiet))).toMatch(
        /^HandOverRefused: this was not sealed to the key/,
      );
      await sides.exported();
      await sides.to.keys.dismiss(tenant);
      expect(await refusal(importTenant(sides.to, sides.file, quiet))).toBe(
        'HandOverRefused: no keys of here are awaited here',
      );
      await nothing();
    });

    it('when it is no such file, or none at all', async () => {
      sides.file = join(sides.folder, 'none');
      expect(await refusal(importTenant(sides.to, sides.file, quiet))).toMatch(/^MoveRefused: FILE cannot be read/);
      for (const text of ['', '{}\n', 'PK\u0003\u0004', '{"lethe":"move","version":2}\n']) {
        writeFileSync(sides.file, text);
        expect(await refusal(importTenant(sides.to, sides.file, quiet))).toMatch(
          /^MoveRefused: FILE is no export of a tenant/,
        );
      }
    });

    it('when another history stands here, in use or not', async () => {
      const other = sides.open();
      await sides.exported(other);
      await other.store.append({
        tenant,
        stream: 's-1',
        expected: 0,
        events: [{ id: randomUUID(), type: 'spec.done', version: 1, data: {}, at: at(1), actor: 'spec' }],
      });
      expect(await refusal(importTenant(other, sides.file, quiet))).toMatch(/its history differs from event 1 on$/);
      expect(await other.store.head(tenant)).toBe(1);
      await sides.exported();
      await sides.to.keys.dismiss(tenant);
      await sides.to.keys.provision(tenant);
      expect(await refusal(importTenant(sides.to, sides.file, quiet))).toMatch(
        /it was registered, but has no history$/,
      );
      await nothing();
    });

    it('when a later export was begun with', async () => {
      await sides.exported(sides.to, 'early.move');
      const early = sides.file;
      await go(sides.from.store, 41, 60);
      await sides.exported(sides.to, 'late.move');
      await importTenant(dying(sides.to, 10_000, false), sides.file, quiet).catch(() => undefined);
      const half = sides.open();
      await sides.exported(half, 'half.move');
      const writes = 60;
      await importTenant(dying(half, writes, false), sides.file, quiet).catch(() => undefined);
      expect(await half.store.head(tenant)).toBeGreaterThan(48);
      sides.file = early;
      expect(await refusal(importTenant(half, early, quiet))).toMatch(
        /a later export was begun with: import that one$/,
      );
    });
  });

  describe('is not exported', () => {
    const refusal = async (act: Promise<unknown>) => ((await act.catch((thrown: unknown) => thrown)) as Error).message;

    it('where it is not, over another file, or to what is no key', async () => {
      const publicKey = await sides.to.keys.receive(tenant);
      const none = { tenant: TenantId.parse('none'), publicKey };
      expect(await refusal(exportTenant(sides.from, none, join(sides.folder, 'x'), quiet))).toBe(
        'there is no tenant none here',
      );
      const all = { tenant: operator, publicKey };
      expect(await refusal(exportTenant(sides.from, all, join(sides.folder, 'x'), quiet))).toMatch(
        /stays where it is$/,
      );
      await sides.exported();
      const again = exportTenant(sides.from, { tenant, publicKey }, sides.file, quiet);
      expect(await refusal(again)).toBe(`${sides.file} is there already: choose another name`);
      const nowhere = exportTenant(sides.from, { tenant, publicKey }, join(sides.folder, 'no', 'x'), quiet);
      expect(await refusal(nowhere)).toMatch(/cannot be written: see to its folder$/);
      const weak = exportTenant(sides.from, { tenant, publicKey: new Uint8Array(32) }, join(sides.folder, 'x'), quiet);
      expect(await refusal(weak)).toBe('what the keys are to be sealed to is no public key');
    });

    it('while somebody writes to it; then there is no file', async () => {
      const publicKey = await sides.to.keys.receive(tenant);
      sides.file = join(sides.folder, 'live.move');
      const range: OpenSide['vault']['range'] = async (...args) => {
        if (args[1] === 'pending') await go(sides.from.store, 41, 41);
        return sides.from.vault.range(...args);
      };
      const vault = Object.create(sides.from.vault, { range: { value: range } });
      const message = await refusal(exportTenant({ ...sides.from, vault }, { tenant, publicKey }, sides.file, quiet));
      expect(message).toBe('here was written to meanwhile: keep everybody away from it, then export again');
      for (const name of [sides.file, `${sides.file}.part`])
        expect(statSync(name, { throwIfNoEntry: false })).toBeUndefined();
    });
  });
});
